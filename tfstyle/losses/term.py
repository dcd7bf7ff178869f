"""The kinds of loss terms.

There are five kinds. A pooled term compares statistics that add up over positions (Gram matrices). A local term adds
up one value per position (the content loss). A matched term compares each position with a place in the painting that
was chosen for it (nearest neighbours). An image term depends only on the pixels (total variation), and a reference term
on the pixels and on given ones (earlier results of a sequence). The objectives
handle these kinds and know nothing about individual terms. Every kind but the matched one can be computed on parts of
a picture and summed, so a tiled picture has the same loss and gradient as a whole one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfstyle.losses.loss import Loss, Weighted
from tfstyle.losses.open_size import positions
from tfstyle.masks import BlockWeights
from tfstyle.networks.network import LayerMetric
from tfstyle.tensorflow_backend import tf

Metrics = Mapping[str, LayerMetric]
Features = Mapping[str, tf.Tensor]
"""{layer: features [1, h, w, c], float32 or bfloat16}. Height and width may be open (`tfstyle.losses.open_size`)."""
View = tuple[Features, BlockWeights | None]
"""The features of a style picture, as it is or turned, and the weights of its pixels (None: 1)."""
IMAGE = "image"
"""The key of an image term's value; a feature term's values have layer names as keys."""
FLOAT_BYTES = 4
Map = NDArray[np.float32]


class Term(ABC):
    """One loss without a weight. Terms are immutable and hashable: equal terms share a traced objective."""

    name: ClassVar[str]
    """The name under which the term is reported."""

    def __mul__(self, weight: float) -> Loss:
        return Loss({self.name: Weighted(self, weight)})

    __rmul__ = __mul__

    def __add__(self, other: Term | Loss) -> Loss:
        return self * 1.0 + other


class FeatureTerm(Term):
    """A term of the network's features, float32 or bfloat16. Statistics, targets and values are float32."""

    layers: tuple[str, ...]
    """The layers that it uses; each has its own target and its own value."""

    @abstractmethod
    def by_layer(self, features: Features, targets: Mapping[str, Any], metrics: Metrics) -> dict[str, tf.Tensor]:
        """The value, a float32 scalar, of each layer in `targets`; `features` {layer: [1, h, w, c]}."""

    @abstractmethod
    def magnitude(self, target: Any, metric: LayerMetric) -> tf.Tensor:
        """The size of one layer's `target` in units of the value: a float32 scalar of at least 0.

        Relative losses are divided by it, so that one weight means the same for every photo and every painting.
        """

    @abstractmethod
    def target_bytes(self, layer: str, channels: int, pixels: int) -> int:
        """Bytes of the target of `layer`, which has `channels` channels, for a picture of `pixels` pixels."""


class RegionTargets(NamedTuple):
    """The targets of a pooled term in one layer, one for each region of the picture.

    `weights` [1, h, w, regions] say how much of each region a position is, and `counts` [regions] are their sums.
    `scales` [regions] multiply the regions' distances: by their share of the picture, so that a small region is painted
    as strongly as a large one, and by the unit of relative losses.
    """

    weights: tf.Tensor
    counts: tf.Tensor
    scales: tf.Tensor
    targets: tuple[Any, ...]


class PooledTerm(FeatureTerm):
    """A term of statistics that add up over positions.

    Its `target` is made from the `statistics` of the style picture; those of several styles are averaged.
    """

    @abstractmethod
    def sums(self, features: tf.Tensor, weights: tf.Tensor | None) -> Any:
        """Sums over the positions of `features` [1, h, w, c], weighted by `weights` [1, h, w, 1] (None: 1).

        A tensor or a structure of tensors. The sums of two parts of a picture add up to the sums of both together.
        """

    @abstractmethod
    def statistics(self, sums: Any, count: Any, metric: LayerMetric) -> Any:
        """The statistics to compare, from the sums over positions whose weights add up to `count`, maybe a tensor."""

    def target(self, statistics: Any, metric: LayerMetric) -> Any:
        """What `distance` compares with, computed once from the statistics of the style pictures: usually just them."""
        return statistics

    @abstractmethod
    def distance(self, statistics: Any, target: Any, metric: LayerMetric) -> tf.Tensor:
        """The distance between the picture's statistics and a target: a float32 scalar of at least 0."""

    def magnitude(self, target: Any, metric: LayerMetric) -> tf.Tensor:
        """The distance between the style picture's statistics and none at all, which are those of a black map."""
        return self.distance(tf.nest.map_structure(tf.zeros_like, target), target, metric)

    def pullback(self, features: tf.Tensor, by_sums: Any, weights: tf.Tensor | None = None) -> tf.Tensor:
        """A scalar with the gradient of the total by `features` [1, h, w, c], given that by the sums, `by_sums`.

        With the `weights` [1, h, w, regions] of regions, `by_sums` has an entry for each of them. The scalar's value is
        of no interest.
        """
        products = tf.nest.map_structure(lambda a, b: tf.reduce_sum(a * b), self.all_sums(features, weights), by_sums)
        return tf.add_n(tf.nest.flatten(products))

    def all_sums(self, features: tf.Tensor, weights: tf.Tensor | None) -> Any:
        """The sums over all positions; a tuple of those of each region if there are `weights` [1, h, w, regions]."""
        if weights is None:
            return self.sums(features, None)
        return tuple(self.sums(features, weights[..., index : index + 1]) for index in range(weights.shape[-1]))

    def value(self, sums: Any, count: Any, target: Any, metric: LayerMetric) -> tf.Tensor:
        """The value of a layer from `all_sums` over its `count` positions."""
        if not isinstance(target, RegionTargets):
            return self.distance(self.statistics(sums, count, metric), target, metric)
        distances = [
            self.distance(self.statistics(own, target.counts[index], metric), target.targets[index], metric)
            for index, own in enumerate(sums)
        ]
        return tf.reduce_sum(target.scales * tf.stack(distances))

    def by_layer(self, features: Features, targets: Mapping[str, Any], metrics: Metrics) -> dict[str, tf.Tensor]:
        """As in `FeatureTerm`."""
        values = {}
        for layer, target in targets.items():
            sums = self.all_sums(features[layer], weights_of(target))
            values[layer] = self.value(sums, positions(features[layer]), target, metrics[layer])
        return values


def weights_of(target: Any) -> tf.Tensor | None:
    """The weights [1, h, w, regions] of a pooled term's target; None if it is that of the whole picture."""
    return target.weights if isinstance(target, RegionTargets) else None


class PlacedTarget(NamedTuple):
    """The target of a local term in one layer that is elsewhere, with those who compute the features there.

    `magnitude` is that of the target.
    """

    magnitude: float


class LocalTerm(FeatureTerm):
    """A term of values that add up over positions. Its target is a map of features [1, h, w, c]."""

    @abstractmethod
    def total(
        self, features: tf.Tensor, target: tf.Tensor, weights: tf.Tensor | None, metric: LayerMetric
    ) -> tf.Tensor:
        """The sum over the positions of `features` [1, h, w, c], weighted by `weights` [1, h, w, 1] (None: 1)."""

    @abstractmethod
    def divisor(self, positions: Any, metric: LayerMetric) -> Any:
        """The divisor of the sum over all `positions`, a number or a tensor as they are."""

    def magnitude(self, target: Any, metric: LayerMetric) -> tf.Tensor:
        """The variance of the content picture's features over the positions: the value where all are their mean."""
        if isinstance(target, PlacedTarget):
            return tf.constant(target.magnitude)
        mean = tf.reduce_mean(target, (1, 2), keepdims=True)
        return self.total(mean, target, None, metric) / self.divisor(positions(target), metric)

    def by_layer(self, features: Features, targets: Mapping[str, Any], metrics: Metrics) -> dict[str, tf.Tensor]:
        """As in `FeatureTerm`."""
        values = {}
        for layer, target in targets.items():
            total = self.total(features[layer], target, None, metrics[layer])
            values[layer] = total / self.divisor(positions(target), metrics[layer])
        return values


class MatchingCost(NamedTuple):
    """What the choice of all targets takes: multiplications, and bytes in addition to the features.

    `columns` are the bytes of what is chosen from, which `memory` includes.
    """

    work: int
    memory: int
    columns: int


class MatchedTerm(FeatureTerm):
    """A term whose target is, for each position, a place in a style picture that is chosen once, by `match`.

    The choice takes features of the whole picture, so a picture with such a term is not tiled. The targets of several
    styles are averaged.
    """

    @abstractmethod
    def query(self, content: Map, start: Map, held: Map | None) -> Map:
        """The picture whose features are looked up in the painting.

        `content` is the photo and `start` the picture at which the stage begins; all are standardised [1, H, W, 3].
        `held` [1, H, W, 1] says from 0 to 1 where the picture is held to earlier results of a sequence, which `start`
        then shows (None: nowhere).
        """

    @abstractmethod
    def columns(self, views: Iterable[View], metrics: Metrics) -> Any:
        """What is chosen from, of the `views` of one style picture: tensors, in any structure."""

    @abstractmethod
    def match(self, query: Features, columns: Any, metrics: Metrics) -> dict[str, Any]:
        """The target of each layer, {layer: target}, chosen from the `columns` of one style picture."""

    @abstractmethod
    def in_regions(self, found: Sequence[tuple[BlockWeights, Mapping[str, Any]]]) -> dict[str, Any]:
        """The target of each layer from (weights, targets) of each region.

        Where the weights are 0, nothing is asked of the picture.
        """

    @abstractmethod
    def matching_cost(self, channels: Mapping[str, int], pixels: int, style_pixels: int) -> MatchingCost:
        """What `match` takes for one style picture of `style_pixels` pixels; `channels` {layer: its channels}."""

    def magnitude(self, target: Any, metric: LayerMetric) -> tf.Tensor:
        """1: such a term compares directions, whose size is the same in every painting."""
        return tf.constant(1.0)


class ImageTerm(Term):
    """A term of the standardised picture itself, which adds up over bands of rows."""

    halo: ClassVar[int]
    """The number of rows below a band on which the band's value depends."""

    @staticmethod
    def own_rows(rows: tf.Tensor, own: int | None) -> tf.Tensor:
        """The first `own` of `rows`. If that is all of them, `rows` itself, to keep the slice out of the gradient."""
        return rows if own is None or own == rows.shape[1] else rows[:, :own]

    @abstractmethod
    def value(self, rows: tf.Tensor, own: int | None, size: tuple[Any, Any]) -> tf.Tensor:
        """The part of the value of a picture of `size` (height, width) from the first `own` of `rows` [1, h, W, 3].

        None: all of them are the picture, whose size may be open. The sides are numbers, or then float32 scalars.
        `rows` holds the band and up to `halo` rows below it, fewer at the bottom of the picture. If the picture wraps,
        the rows at its top follow there, unless the band is the whole picture.
        """


class ReferenceTerm(Term):
    """A term of the standardised picture and of given maps of its size, which adds up over rows."""

    target_values: ClassVar[int]
    """The number of values per pixel of the target."""

    @abstractmethod
    def target(self, references: Sequence[tuple[Map, Map]]) -> Any:
        """A structure of maps [1, H, W, c], from (standardised picture [1, H, W, 3], weights [H, W]) of each."""

    @abstractmethod
    def value(self, rows: tf.Tensor, target: Any, size: tuple[Any, Any]) -> tf.Tensor:
        """The part of the value of a picture of `size` (height, width) from `rows` [1, h, W, 3] of it.

        `target` has the same rows of the target's maps. The sides are numbers, or where the size is open float32
        scalars.
        """
