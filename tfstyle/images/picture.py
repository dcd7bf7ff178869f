"""The picture that the engine works on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tfstyle.colour import LUMA

GREY_SPREAD = 2
"""By how many levels the channels of a grey picture may differ: lossy formats round each by itself."""


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
        """Whether red, green and blue are equal at every visible position, up to `GREY_SPREAD` levels."""
        equal = self.pixels.max(2) - self.pixels.min(2) <= GREY_SPREAD
        return bool((equal if self.alpha is None else equal | (self.alpha == 0)).all())

    def in_grey(self) -> Picture:
        """The same picture with green, which carries most of the lightness, in all three channels."""
        return replace(self, pixels=np.repeat(self.pixels[..., 1:2], 3, axis=2))

    def in_luma(self) -> Picture:
        """The same picture with its lightness, the weighted mean of the channels, in all three channels."""
        luma = np.rint(self.pixels @ LUMA).astype(self.pixels.dtype)
        return replace(self, pixels=np.repeat(luma[..., None], 3, axis=2))
