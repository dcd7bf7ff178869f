"""Which TensorFlow is installed. Imports no TensorFlow, so that a server can know before its workers do."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from tfstyle.errors import TfstyleError

FOR_ALL, FOR_PROCESSORS = "tensorflow", "tensorflow-cpu"
"""Packages that bring the module `tensorflow`."""


def check_one_tensorflow() -> None:
    """Raise `TfstyleError` where two packages have written the module `tensorflow`, one over the other.

    pip does not notice it. What runs then is a mixture, or the one that came last.
    """
    if is_installed(FOR_ALL) and is_installed(FOR_PROCESSORS):
        raise TfstyleError(
            f"tensorflow: {FOR_ALL} and {FOR_PROCESSORS} are both installed, one over the other; make a new "
            f"environment with one of them, or pip uninstall -y {FOR_ALL} {FOR_PROCESSORS} and install tfstyle again"
        )


def is_for_processors_only() -> bool:
    """Whether the TensorFlow that is installed uses no GPU."""
    return is_installed(FOR_PROCESSORS) and not is_installed(FOR_ALL)


def is_installed(package: str) -> bool:
    """Whether a package of that name is installed."""
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
