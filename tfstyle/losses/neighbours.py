"""The neighbours loss: every position of the picture looks like the place in the painting most like the photo there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import numpy as np

from tfstyle.borders import NO_WRAPS, Wraps
from tfstyle.images import resize_floats
from tfstyle.losses.hypercolumns import GRID_BLOCK, GRID_LAYER, hypercolumns
from tfstyle.losses.matching import TINY, VIEWS, Columns, cost, directions, places, weighted_targets
from tfstyle.losses.open_size import positions
from tfstyle.losses.term import FLOAT_BYTES, Features, Map, MatchedTerm, MatchingCost, Metrics, View
from tfstyle.masks import BlockWeights
from tfstyle.networks.topology import positions_of
from tfstyle.tensorflow_backend import tf

MOST_COLUMNS = 16384
"""The most places of one view that are chosen from, as in a square of 512 pixels; of more, so many are drawn."""
HELD_COLUMNS = 4096
"""The same for a picture that is held to an earlier one, in which most places are already what was chosen there."""
START_SHARE = 0.25
"""The share of the picture at the start of a stage in what is looked up; the rest is the photo. With it, the places
found at one scale agree with those found at the scale before."""
HELD_SHARE = 0.9
"""The same where the start shows an earlier result of a sequence, so that the places found agree with those of the
frame before: films flicker less, and fewer evaluations bring a frame as close to the painting (docs/performance.md)."""


@dataclass(frozen=True)
class NeighboursLoss(MatchedTerm):
    """mean(|h - t|^2) over positions of the hypercolumns h of the picture, each divided by its length; t its target.

    t is the painting's hypercolumn, also of length 1, that is nearest to that of the query by the cosine of centred
    hypercolumns (Kolkin et al. 2022, arXiv 2203.13215). The value is then twice the cosine distance, 2 (1 - cos),
    divided among the layers. With several styles t is the average of their targets. `layer_weights` (none: all 1)
    multiply the layers' parts of squared lengths and of cosines; only their ratios matter. The picture may wrap, the
    painting does not. At most `most_columns` places of each view are chosen from.

    Deviations from the source: shallow layers are averaged over each cell of the grid, not sampled at one point of it;
    layers are those of the options, on VGG19, where the source takes ten of VGG16's first four blocks.
    """

    layers: tuple[str, ...]
    layer_weights: tuple[float, ...] = ()
    wraps: Wraps = NO_WRAPS
    most_columns: int = MOST_COLUMNS
    name: ClassVar[str] = "neighbours"

    def query(self, content: Map, start: Map, held: Map | None) -> Map:
        """The photo, with a share of the picture at the start of the stage in all but its finest detail."""
        share = START_SHARE if held is None else START_SHARE + (HELD_SHARE - START_SHARE) * held
        return content + np.float32(share) * (_smoothed(start, self.wraps) - _smoothed(content, self.wraps))

    def columns(self, views: Iterable[View], metrics: Metrics) -> Columns:
        """As in `MatchedTerm`."""
        rows = []
        for view in views:
            rows.append(self._rows_of(view, metrics))
            dtype = view[0][self.layers[-1]].dtype
        return Columns.of(tf.concat(rows, 0), dtype)

    def match(self, query: Features, columns: Columns, metrics: Metrics) -> dict[str, tf.Tensor]:
        """As in `MatchedTerm`: {layer: its part of t [1, h, w, c]}."""
        parts = self._parts(query, metrics, self.wraps)
        chosen = directions(tf.gather(columns.rows, columns.nearest(_rows(parts))))
        targets = tf.split(chosen, [part.shape[-1] for part in parts.values()], -1)
        return {layer: tf.reshape(target, parts[layer].shape) for layer, target in zip(parts, targets, strict=True)}

    def in_regions(self, found: Sequence[tuple[BlockWeights, Mapping[str, tf.Tensor]]]) -> dict[str, tf.Tensor]:
        """As in `MatchedTerm`."""
        return {
            layer: weighted_targets([(weights, targets[layer]) for weights, targets in found], GRID_BLOCK)
            for layer in self.layers
        }

    def matching_cost(self, channels: Mapping[str, int], pixels: int, style_pixels: int) -> MatchingCost:
        """As in `MatchedTerm`."""
        positions, columns = (positions_of(GRID_LAYER, count) for count in (pixels, style_pixels))
        found = cost(sum(channels.values()), positions, VIEWS * min(self.most_columns, columns))
        whole_view = FLOAT_BYTES * sum(channels.values()) * columns  # of which some are taken
        return found._replace(memory=found.memory + whole_view)

    def by_layer(self, features: Features, targets: Mapping[str, tf.Tensor], metrics: Metrics) -> dict[str, tf.Tensor]:
        """As in `FeatureTerm`."""
        parts = self._parts(features, metrics, self.wraps)
        values = _distances(list(parts.values()), [targets[layer] for layer in parts])
        return dict(zip(parts, values, strict=True))

    def target_bytes(self, layer: str, channels: int, pixels: int) -> int:
        return FLOAT_BYTES * channels * positions_of(GRID_LAYER, pixels)

    def _parts(self, features: Features, metrics: Metrics, wraps: Wraps) -> dict[str, tf.Tensor]:
        weights = np.array(self.layer_weights or (1.0,) * len(self.layers))
        factors = np.sqrt(weights / weights.max())  # of lengths
        return hypercolumns(features, dict(zip(self.layers, map(float, factors), strict=True)), metrics, wraps)

    def _rows_of(self, view: View, metrics: Metrics) -> tf.Tensor:
        """The hypercolumns [n, c] of a view of the painting that may be chosen."""
        features, weights = view
        parts = self._parts(features, metrics, NO_WRAPS)
        _, height, width, _ = parts[self.layers[0]].shape
        chosen = places((height, width), weights, GRID_LAYER, self.most_columns)
        return tf.concat([tf.gather(_flat(part), chosen) for part in parts.values()], -1)


def _distances(parts: Sequence[tf.Tensor], targets: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
    """mean(|f / |F| - t|^2) over positions for each of the `parts` f [1, h, w, c] of vectors F; `targets` hold t."""
    count = positions(parts[0])

    # TensorFlow's own gradient passes over all maps twice as often.
    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def distances(*parts: tf.Tensor) -> Any:
        # Of the norms, because they are found without a map of squares.
        squares = [tf.square(tf.raw_ops.EuclideanNorm(input=part, axis=-1)) for part in parts]
        alongs = [tf.reduce_sum(part * target, -1) for part, target in zip(parts, targets, strict=True)]
        scale = tf.math.rsqrt(reduce(tf.add, squares) + TINY)

        def gradient(*upstream: tf.Tensor) -> list[tf.Tensor]:
            lengths, dots = (
                reduce(tf.add, [own * each for own, each in zip(upstream, sums, strict=True)])
                for sums in (squares, alongs)
            )
            by_scale = (lengths * scale - dots) * scale * tf.square(scale)
            by_parts = []
            for own, part, target in zip(upstream, parts, targets, strict=True):
                factor = 2 / count * (own * tf.square(scale) - by_scale)
                pull = 2 / count * own * scale
                by_parts.append(part * factor[..., None] - target * pull[..., None])
            return by_parts

        values = [
            tf.reduce_mean(square * tf.square(scale) - 2 * along * scale) + 2 * tf.nn.l2_loss(target) / count
            for square, along, target in zip(squares, alongs, targets, strict=True)
        ]
        return values, gradient

    found: Sequence[tf.Tensor] = distances(*parts)
    return found


def _smoothed(image: Map, wraps: Wraps) -> Map:
    """`image` [1, H, W, 3] without the details that half its size cannot show."""
    _, height, width, _ = image.shape
    half = resize_floats(image[0], ((width + 1) // 2, (height + 1) // 2), wraps)
    return resize_floats(half, (width, height), wraps)[None]


def _rows(parts: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Hypercolumns as rows [n, c]."""
    return tf.concat([_flat(part) for part in parts.values()], -1)


def _flat(part: tf.Tensor) -> tf.Tensor:
    return tf.reshape(part, [-1, part.shape[-1]])
