"""Open a page in the user's browser, where there is one with windows."""

from __future__ import annotations

import os
import sys
import webbrowser


def open_in_browser(address: str) -> bool:
    """Open `address`; whether a browser was found. One that runs in the terminal would take the place of our output."""
    has_windows = sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return bool(os.environ.get("BROWSER") or has_windows) and webbrowser.open(address)
