"""The file that the loss curves of a run are written to."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path

from tfstyle_client.errors import refusal
from tfstyle_client.files import check_writable, is_folder, reason, write_whole
from tfstyle_client.loss_plot import LossCurves, drawn

ENDINGS = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class PlotFile:
    """The file at `path`, whose ending decides the format."""

    path: Path

    def check(self) -> None:
        """Refuse, before any work, what could not be drawn or written. Raises `BadRequestError`."""
        if is_folder(self.path):
            raise refusal("plot", f"{self.path} is a folder; name a file")
        if self.path.suffix.lower() not in ENDINGS:
            ending = f"the ending {self.path.suffix}" if self.path.suffix else "a name without an ending"
            raise refusal("plot", f"{ending} is not supported; use one of {', '.join(ENDINGS)}")
        check_writable(self.path, "plot")
        # A window is not opened, so it does not matter which one the environment asks for, as that of a notebook does.
        os.environ["MPLBACKEND"] = "agg"
        try:
            importlib.import_module("matplotlib.figure")
        except ImportError:
            raise refusal("plot", "needs matplotlib; pip install 'tfstyle[plot]'") from None

    def writes(self, path: Path) -> bool:
        """Whether this is the file at `path`."""
        return self.path.resolve() == path.resolve()

    def write(self, curves: LossCurves, preset: str = "") -> None:
        """Draw the curves, and write the file as a whole. Raises `BadRequestError`."""
        if not curves.evaluations:
            raise refusal("plot", f"no evaluation was reported; {self.path} is not written")
        data = drawn(curves, self.path.suffix.lower(), preset)
        try:
            write_whole(self.path, data)
        except (OSError, ValueError) as error:
            raise refusal("plot", f"cannot write {self.path}: {reason(error)}") from None
