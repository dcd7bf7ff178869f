"""Decoded samples of more than 8 bits, which Pillow has no pictures for: grey and colours, apart from transparency."""

from __future__ import annotations

from dataclasses import dataclass

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tfstyle.depth import widen

COLOURS = {"L": 1, "RGB": 3, "CMYK": 4, "LAB": 3}
"""{colour model, by Pillow's name: its channels}."""


@dataclass(frozen=True)
class WideSamples:
    """`colours` [H, W, channels] uint16 of a `model` in `COLOURS`, and `alpha` [H, W] uint16 or None.

    Samples go from 0 to 65535. Those of CMYK are inks; those of LAB are the ICC profile encoding, version 4.
    """

    model: str
    colours: NDArray[np.uint16]
    alpha: NDArray[np.uint16] | None = None

    def upright(self, orientation: int) -> WideSamples:
        """The same samples, turned and mirrored as the EXIF `orientation`, 1 to 8, says; others count as 1."""
        alpha = None if self.alpha is None else _upright(self.alpha, orientation)
        return WideSamples(self.model, _upright(self.colours, orientation), alpha)


def _upright(array: NDArray[np.uint16], orientation: int) -> NDArray[np.uint16]:
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array


def read_png(data: bytes) -> WideSamples:
    """The samples of the PNG file `data`, which has 16 bits. A colour that tRNS hides gets the alpha 0.

    Raises `imagecodecs.PngError` where the pixels are damaged or incomplete.
    """
    samples = imagecodecs.png_decode(data)
    if samples.ndim == 2:
        return WideSamples("L", samples[..., None])
    channels = samples.shape[2]
    model = "L" if channels == 2 else "RGB"
    if channels in (2, 4):
        return WideSamples(model, samples[..., :-1], samples[..., -1])
    return WideSamples(model, samples)


def widened(image: Image.Image, alpha: NDArray[np.uint8] | None) -> WideSamples:
    """The samples of `image`, of mode L, RGB, CMYK or LAB, and its `alpha`, 257 times as large."""
    colours = np.asarray(image).reshape(image.height, image.width, COLOURS[image.mode])
    return WideSamples(image.mode, widen(colours), None if alpha is None else widen(alpha))
