"""Pictures made periodic, so that their opposite borders fit together.

Moisan 2011, "Periodic plus smooth image decomposition", Journal of Mathematical Imaging and Vision 39.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tfstyle.borders import Wraps
from tfstyle.depth import rounded
from tfstyle.images.picture import Picture


def periodic_picture(picture: Picture, wraps: Wraps) -> Picture:
    """`picture` with the colours of `periodic`, rounded; its transparency stays as it is."""
    if not any(wraps):
        return picture
    pixels = rounded(periodic(picture.pixels.astype(np.float32), wraps), picture.pixels)
    return replace(picture, pixels=pixels)


def periodic(values: NDArray[np.float32], wraps: Wraps) -> NDArray[np.float32]:
    """The periodic component of `values` [h, w, c] along the axes that wrap, with the same mean.

    It differs from `values` by the smoothest picture that has the same jumps from one border to the opposite one: the
    solution of a Poisson equation whose sources are those jumps (equations 10 and 11). Along an axis that does not wrap
    there are no jumps; there the sources are mirrored, so that the two borders know nothing of each other.
    """
    sources: NDArray[np.float64] = np.zeros(values.shape, np.float64)
    for axis, wrapped in enumerate(wraps):
        if wrapped:
            first, last = (np.take(values, index, axis).astype(np.float64) for index in (0, -1))
            ends = np.moveaxis(sources, axis, 0)
            ends[0] += last - first
            ends[-1] += first - last
    for axis, wrapped in enumerate(wraps):
        if not wrapped:
            sources = np.concatenate([sources, np.flip(sources, axis)], axis)
    height, width, _ = sources.shape
    down, across = (2 * np.cos(2 * np.pi * np.fft.fftfreq(length)) for length in (height, width))
    laplacian = (down[:, None] + across[None, :] - 4)[..., None]
    laplacian[0, 0] = 1  # the sources have no mean, and neither has the smooth component
    smooth = np.fft.ifft2(np.fft.fft2(sources, axes=(0, 1)) / laplacian, axes=(0, 1)).real
    return (values - smooth[: values.shape[0], : values.shape[1]]).astype(np.float32)
