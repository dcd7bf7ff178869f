"""Generate training pictures: the optimizer makes pictures with a given network, which expose the network's errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import tensorflow as tf
from crops import Floats

from tfstyle.colour import BRIGHTEST, DARKEST
from tfstyle.losses import loss_from_options
from tfstyle.networks.network import Network
from tfstyle.objective import WholeObjective
from tfstyle.optimizers.lbfgs import LBFGS
from tfstyle.presets import PRESETS
from tfstyle.pyramid import Pyramid

# The loss for which the shipped network was fitted: the published one, with our optimizer.
OPTIONS = replace(PRESETS["reference"], optimizer="lbfgs", pyramid_levels=7, gamut_weight=1000.0)
KEPT_AT = (6, 18, 50)
"""The evaluations after which a picture is saved."""


def make_pictures(
    network: Network, photos: Sequence[Floats], paintings: Sequence[Floats], style_weights: Sequence[float]
) -> Iterator[list[Floats]]:
    """For each photo [side, side, 3] with its painting and style weight, pictures at `KEPT_AT`."""
    side = photos[0].shape[0]
    pyramid = Pyramid(side, side, OPTIONS.pyramid_levels, OPTIONS.pyramid_decay)
    objective = WholeObjective(network, pyramid, loss_from_options(OPTIONS).terms, OPTIONS.pooling)
    for photo, painting, style_weight in zip(photos, paintings, style_weights, strict=True):
        targets = {**objective.content_targets(photo[None]), **objective.style_statistics(painting[None], None)}
        loss = loss_from_options(replace(OPTIONS, style_weight=style_weight))
        optimizer = LBFGS(pyramid.variables(photo[None]), OPTIONS.history_size)
        kept = []
        for evaluation in range(1, KEPT_AT[-1] + 1):
            seen = objective(optimizer.ask(), targets, loss)
            optimizer.tell(seen.total, seen.gradient)
            if evaluation in KEPT_AT:
                picture = pyramid.image(tf.constant(optimizer.point)).numpy()[0]
                kept.append(np.clip(picture, DARKEST, BRIGHTEST))
        yield kept
