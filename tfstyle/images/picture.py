"""The picture that the engine works on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Picture:
    """One still picture, upright and in sRGB."""

    pixels: NDArray[np.uint8]
    """[H, W, 3] uint8 sRGB. Colours are not multiplied by `alpha`."""
    alpha: NDArray[np.uint8] | None = None
    """[H, W] uint8, 0 invisible to 255 opaque; None if the file had no transparency."""
    warnings: tuple[str, ...] = ()
    """Warnings about the file for the user, one line each; each completes a sentence about the file ("lacks …")."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def visibility(self) -> NDArray[np.float32] | None:
        """[H, W] float32 in 0..1, the weight of each position in statistics; None if the picture is opaque."""
        if self.alpha is None or (self.alpha == 255).all():
            return None
        return self.alpha.astype(np.float32) / np.float32(255)

    @property
    def grey(self) -> bool:
        """Whether red, green and blue are equal at every visible position."""
        red, green, blue = np.moveaxis(self.pixels, -1, 0)
        equal = (red == green) & (green == blue)
        return bool((equal if self.alpha is None else equal | (self.alpha == 0)).all())
