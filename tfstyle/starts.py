"""The picture that a transfer starts from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tfstyle.colour import MEAN, STD, standardise
from tfstyle.colour_matching import Colours, colours_of
from tfstyle.options import TransferOptions
from tfstyle.painting import Painting
from tfstyle.scaled_inputs import ScaledInputs

SPREAD = 0.15
"""Standard deviation of the noise in sRGB from 0 to 1; its mean is medium grey."""


def start_image(inputs: ScaledInputs, options: TransferOptions, grey: bool) -> NDArray[np.float32]:
    """The standardised picture [1, h, w, 3], at the scale of `inputs`; grey if `grey`.

    A picture that is given comes first, then `options.start`. Equal seeds give equal noise.
    """
    if inputs.start is not None:
        return standardise(inputs.start.pixels)
    if options.start == "content":
        return standardise(inputs.content.pixels)
    width, height = inputs.content.size
    random = np.random.default_rng(options.seed).standard_normal((height, width, 3), np.float32)
    if grey:
        random[..., 1:] = random[..., :1]
    if options.start == "noise":
        return ((0.5 + SPREAD * random - MEAN) / STD)[None].astype(np.float32)
    colours = _blended(inputs.paintings)
    values, vectors = np.linalg.eigh(colours.covariance)
    # Of a grey picture's three directions only one has variance, so its noise is grey.
    root = vectors * np.sqrt(np.maximum(values, 0))
    image: NDArray[np.float32] = random @ root.T.astype(np.float32) + colours.mean.astype(np.float32)
    return image[None]


def _blended(paintings: Sequence[Painting]) -> Colours:
    """The colours of all style pictures together, each by its share."""
    mean, second = np.zeros(3), np.zeros((3, 3))
    for painting in paintings:
        own = colours_of(painting.image, painting.weights)
        mean += painting.share * own.mean
        second += painting.share * (own.covariance + np.outer(own.mean, own.mean))
    return Colours(mean, second - np.outer(mean, mean))
