"""The file that the growth of a picture is written to, as an animation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tfstyle_client.errors import refusal
from tfstyle_client.files import check_writable, is_folder, reason, write_whole
from tfstyle_client.growth import ENDINGS, Growth


@dataclass(frozen=True)
class GrowthFile:
    """The file at `path`, whose ending decides the format."""

    path: Path

    def check(self) -> None:
        """Refuse, before any work, what could not be written. Raises `BadRequestError`."""
        if is_folder(self.path):
            raise refusal("gif", f"{self.path} is a folder; name a file")
        if self.path.suffix.lower() not in ENDINGS:
            ending = f"the ending {self.path.suffix}" if self.path.suffix else "a name without an ending"
            raise refusal("gif", f"{ending} is not supported; use one of {', '.join(ENDINGS)}")
        check_writable(self.path, "gif")

    def writes(self, path: Path) -> bool:
        """Whether this is the file at `path`."""
        return self.path.resolve() == path.resolve()

    def write(self, growth: Growth, result: bytes) -> None:
        """Write the animation as a whole, with the picture `result` at its end. Raises `BadRequestError`."""
        try:
            write_whole(self.path, growth.drawn(result, self.path.suffix.lower()))
        except (OSError, ValueError) as error:
            raise refusal("gif", f"cannot write {self.path}: {reason(error)}") from None
