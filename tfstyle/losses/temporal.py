"""The temporal loss: keeps a picture of a sequence close to earlier results, so that the sequence does not flicker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tfstyle.losses.squares import squared_sum
from tfstyle.losses.term import Map, ReferenceTerm
from tfstyle.tensorflow_backend import tf


class Earlier(NamedTuple):
    """All earlier results in one: mean `picture` [1, H, W, 3], summed `weights` and weighted `spread` [1, H, W, 1]."""

    picture: tf.Tensor
    weights: tf.Tensor
    spread: tf.Tensor


@dataclass(frozen=True)
class TemporalLoss(ReferenceTerm):
    """Sum over the earlier results r of mean(c (x - r)^2) of the standardised picture x, with their weights c.

    The temporal loss of Ruder et al. 2016 (arXiv 1604.08610). The earlier results have been moved along the optical
    flow to where their parts are now; their weights are 0 where they do not show what is there now.
    """

    name: ClassVar[str] = "temporal"
    target_values: ClassVar[int] = 5

    def target(self, references: Sequence[tuple[Map, Map]]) -> Earlier:
        """As in `ReferenceTerm`.

        With C = sum c, m = sum c r / C: sum c (x - r)^2 = C (x - m)^2 + sum c (r - m)^2, so that time and memory of an
        evaluation do not depend on the number of earlier results.
        """
        weights = sum(weights[None, :, :, None] for _, weights in references)
        shares = [own[None, :, :, None] / np.maximum(weights, np.finfo(np.float32).tiny) for _, own in references]
        mean = sum(share * picture for share, (picture, _) in zip(shares, references, strict=True))
        spread = sum(
            own[None, :, :, None] * ((picture - mean) ** 2).mean(3, keepdims=True) for picture, own in references
        )
        return Earlier(*(tf.constant(each, tf.float32) for each in (mean, weights, spread)))

    def value(self, rows: tf.Tensor, target: Earlier, size: tuple[Any, Any]) -> tf.Tensor:
        """As in `ReferenceTerm`."""
        distances = squared_sum(rows - target.picture, target.weights)
        return distances / (size[0] * size[1] * 3) + tf.reduce_sum(target.spread) / (size[0] * size[1])
