"""The picture that the engine works on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tfstyle.colour import LUMA
from tfstyle.depth import Samples, full_scale, in_depth
from tfstyle.images.taken import Taken
from tfstyle.options import SRGB

GREY_SPREAD = 2 / 255
"""By how much of the full scale the channels of a grey picture may differ: lossy formats round each by itself."""


@dataclass(frozen=True)
class Picture:
    """One still picture, upright, in the colour space `colour_space`."""

    pixels: Samples
    """[H, W, 3] RGB, uint8 or uint16. Colours are not multiplied by `alpha`."""
    alpha: Samples | None = None
    """[H, W] of the dtype of `pixels`, 0 invisible to `full_scale` opaque; None if the file had no transparency."""
    warnings: tuple[str, ...] = ()
    """Warnings about the file for the user, one line each; each completes a sentence about the file ("lacks …")."""
    colour_space: str = SRGB
    """"srgb" or "display-p3"."""
    taken: Taken | None = None
    """When the photo was taken, if the file says so."""
    digest: str = ""
    """SHA-256, in hexadecimal, of the file that the picture was decoded from; empty if there was none."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def full_scale(self) -> int:
        """The sample of white, and of an opaque `alpha`: 255 or 65535."""
        return full_scale(self.pixels)

    @property
    def visibility(self) -> NDArray[np.float32] | None:
        """[H, W] float32 in 0..1, the weight of each position in statistics; None if the picture is opaque."""
        if self.alpha is None or (self.alpha == self.full_scale).all():
            return None
        return self.alpha.astype(np.float32) / np.float32(self.full_scale)

    @property
    def grey(self) -> bool:
        """Whether red, green and blue are equal at every visible position, up to `GREY_SPREAD`."""
        equal = self.pixels.max(2) - self.pixels.min(2) <= round(GREY_SPREAD * self.full_scale)
        return bool((equal if self.alpha is None else equal | (self.alpha == 0)).all())

    def in_grey(self) -> Picture:
        """The same picture with green, which carries most of the lightness, in all three channels."""
        return replace(self, pixels=np.repeat(self.pixels[..., 1:2], 3, axis=2))

    def in_depth(self, depth: int) -> Picture:
        """The same picture with `depth` bits per sample, 8 or 16."""
        alpha = None if self.alpha is None else in_depth(self.alpha, depth)
        return replace(self, pixels=in_depth(self.pixels, depth), alpha=alpha)

    def in_luma(self) -> Picture:
        """The same picture with its lightness, the weighted mean of the channels, in all three channels."""
        luma = np.rint(self.pixels @ LUMA).astype(self.pixels.dtype)
        return replace(self, pixels=np.repeat(luma[..., None], 3, axis=2))
