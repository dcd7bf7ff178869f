"""Pictures that the optimizer makes against a network as it stands: where that network is wrong, they show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
from crops import Floats

from tfstyle.colour import BRIGHTEST, DARKEST
from tfstyle.lbfgs import LBFGS
from tfstyle.networks.network import Network
from tfstyle.objective import Objective, Targets, content_features, style_grams
from tfstyle.options import PRESETS
from tfstyle.pyramid import Pyramid

OPTIONS = PRESETS["default"]
(CONTENT,) = OPTIONS.content_layers
STYLE = OPTIONS.style_layers
KEPT_AT = (6, 18, 50)
"""The evaluations after which the picture is kept."""


def make_pictures(
    network: Network, photos: Sequence[Floats], paintings: Sequence[Floats], style_weights: Sequence[float]
) -> Iterator[list[Floats]]:
    """For each photo [side, side, 3] with its painting and style weight the pictures on the default preset's way."""
    side = photos[0].shape[0]
    pyramid = Pyramid(side, side, OPTIONS.pyramid_levels, OPTIONS.pyramid_decay)
    objective = Objective(network, pyramid, (CONTENT,), STYLE, OPTIONS.pooling)
    for photo, painting, style_weight in zip(photos, paintings, style_weights, strict=True):
        targets = Targets(
            content_features(network, (CONTENT,), OPTIONS.pooling, photo[None]),
            style_grams(network, STYLE, OPTIONS.pooling, painting[None]),
        )
        weights = (OPTIONS.content_weight, style_weight, OPTIONS.tv_weight, OPTIONS.gamut_weight)
        optimizer = LBFGS(pyramid.variables(photo[None]), OPTIONS.history_size)
        kept = []
        for evaluation in range(1, KEPT_AT[-1] + 1):
            seen = objective(optimizer.trial, targets, weights)
            optimizer.tell(seen.total, seen.gradient)
            if evaluation in KEPT_AT:
                picture = pyramid.image(tf.constant(optimizer.point)).numpy()[0]
                kept.append(np.clip(picture, DARKEST, BRIGHTEST))
        yield kept
