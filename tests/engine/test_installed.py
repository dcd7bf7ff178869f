"""Only one TensorFlow may be installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tfstyle.errors import TfstyleError
from tfstyle.installed import check_one_tensorflow, is_for_processors_only

IMPORT = "import tfstyle.tensorflow_backend"


def install(folder: Path, *packages: str) -> None:
    """What tells Python that a package is installed."""
    for package in packages:
        facts = folder / f"{package.replace('-', '_')}-2.21.0.dist-info"
        facts.mkdir(parents=True)
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 2.21.0\n")


@pytest.mark.parametrize(
    ("packages", "both", "for_processors_only"),
    [
        ((), False, False),
        (("tensorflow",), False, False),
        (("tensorflow-cpu",), False, True),
        (("tensorflow", "tensorflow-cpu"), True, False),
    ],
)
def test_two_tensorflows_are_refused_in_one_line(
    packages: tuple[str, ...],
    both: bool,
    for_processors_only: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    install(tmp_path, *packages)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert is_for_processors_only() is for_processors_only
    if not both:
        check_one_tensorflow()
        return
    with pytest.raises(TfstyleError, match=r"^tensorflow: tensorflow and tensorflow-cpu are") as caught:
        check_one_tensorflow()
    assert "\n" not in str(caught.value)


def test_the_engine_does_not_begin_with_two(tmp_path: Path) -> None:
    install(tmp_path, "tensorflow", "tensorflow-cpu")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {IMPORT}"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(
        "tfstyle.errors.TfstyleError: tensorflow: tensorflow and tensorflow-cpu"
    )
