"""Whether what moving pictures need is installed."""

from __future__ import annotations

from importlib.util import find_spec

from tfstyle_client.errors import refusal

_PACKAGES = {"av": "PyAV", "cv2": "OpenCV", "numpy": "NumPy"}


def check_installed() -> None:
    """Raises `BadRequestError` where a package of the extra `video` is missing."""
    missing = [name for module, name in _PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise refusal("video", f"needs {', '.join(missing)}; pip install 'tfstyle[video]'")
