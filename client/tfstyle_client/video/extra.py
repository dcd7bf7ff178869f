"""Whether what moving pictures need is installed, and the numbers that the command line shows without it."""

from __future__ import annotations

from importlib.util import find_spec

from tfstyle_client.errors import refusal

ENDINGS = (".mp4", ".gif", ".webp")
"""Of the files that can be written."""
QUALITY = 70
"""Of what is written."""
USUAL_RATE = 25
"""Frames in a second of a folder, if nothing else is asked for."""
FRAME_STEPS = 6
"""Evaluations of a frame that follows another one, if nothing else is asked for."""
KEPT_JOBS = 250
"""Jobs of painted frames that stay on a server, where a page shows them."""
_PACKAGES = {"av": "PyAV", "cv2": "OpenCV", "numpy": "NumPy"}


def check_installed() -> None:
    """Raises `BadRequestError` where a package of the extra `video` is missing."""
    missing = [name for module, name in _PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise refusal("video", f"needs {', '.join(missing)}; pip install 'tfstyle[video]'")
