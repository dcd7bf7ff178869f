"""Compute the loss and its gradient from variables, with functions that are traced once and serve later pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tfstyle.borders import ZERO, Borders, borders_of, style_borders
from tfstyle.feature_loss import feature_layers, feature_loss
from tfstyle.losses import (
    IMAGE,
    LocalTerm,
    Loss,
    MatchedTerm,
    Metrics,
    Parts,
    PooledTerm,
    ReferenceTerm,
    Term,
)
from tfstyle.losses.balance import unit_of
from tfstyle.losses.term import RegionTargets, View
from tfstyle.masks import BlockWeights, layer_weights
from tfstyle.networks.extractor import extractor
from tfstyle.networks.network import LayerMetric, Network
from tfstyle.networks.topology import block_of
from tfstyle.optimizers.optimizer import Vector
from tfstyle.picture_loss import picture_loss
from tfstyle.precision import FLOAT32
from tfstyle.pyramid import Pyramid
from tfstyle.tensorflow_backend import tf

Map = NDArray[np.float32]
Terms = Mapping[str, Term]
"""{name: term}."""
Targets = Mapping[str, Mapping[str, Any]]
"""{name of the term: {layer, or IMAGE for reference terms: target}}; image terms have none."""


@dataclass(frozen=True)
class Evaluation:
    """The weighted total, its parts, and the gradient [size] of the total: an array, or a tensor."""

    total: float
    parts: Parts
    gradient: Vector


class Kept(NamedTuple):
    """What stays of the content picture: `weights` [1, H, W, 1] from 0 to 1, of the standardised `picture`."""

    weights: Map
    picture: Map

    def over(self, image: Any) -> Any:
        """The standardised `image` [1, H, W, 3], a tensor or an array, with what stays."""
        return image + self.weights * (self.picture - image)

    def nothing(self) -> Kept:
        """The same where nothing stays; unlike None, it needs no other trace."""
        return self._replace(weights=np.zeros_like(self.weights))


class Objective(Protocol):
    """The loss of the picture that the variables represent, and its gradient."""

    pyramid: Pyramid

    @property
    def traces(self) -> int:
        """How often something was traced or prepared for its size, whose memory is not freed."""

    def content_targets(self, image: Map) -> Targets:
        """The targets of local terms, from the standardised content picture [1, H, W, 3] at the size of the result."""

    def style_statistics(self, image: Map, weights: Map | None) -> Targets:
        """The statistics of pooled terms, from a standardised style picture [1, h, w, 3] of any size.

        `weights` [h, w] are the weights of its pixels; None: 1.
        """

    def image(self, variables: Vector, kept: Kept | None) -> Map:
        """The standardised picture [1, H, W, 3] that `variables` [size] represent, with what is kept."""

    def __call__(self, variables: Vector, targets: Targets, loss: Loss, kept: Kept | None) -> Evaluation:
        """Evaluate at `variables` [size]; `loss` must have the terms with which the objective was made.

        The gradient of variables in an array is an array. That of a tensor may be a tensor, which then stays on the
        device.
        """


class WholeObjective:
    """The objective of a picture that fits into memory.

    Weights and targets are arguments of what is traced, not constants in it, so pictures with the same terms, network
    and precision share it, as a rule whatever their sizes (`tfstyle.feature_loss`, `tfstyle.picture_loss`).

    `padding` is what the network sees beyond a border, unless the picture wraps there (`tfstyle.borders`).
    """

    traces = 1

    def __init__(
        self,
        network: Network,
        pyramid: Pyramid,
        terms: Terms,
        pooling: str,
        precision: str = FLOAT32,
        padding: str = ZERO,
    ) -> None:
        self.pyramid = pyramid
        self._own, self._theirs = borders_of(padding, pyramid.wraps), style_borders(padding, pyramid.wraps)
        self._network = network
        self._terms = terms
        self._pooling = pooling
        self._precision = precision
        self._picture_loss = picture_loss(terms)
        self._feature_loss = feature_loss(network, terms, pooling, precision, self._own)

    def content_targets(self, image: Map) -> Targets:
        """As in `Objective`."""
        local = {name: term for name, term in self._terms.items() if isinstance(term, LocalTerm)}
        features = self._features(local, image, self._own)
        return {
            name: {layer: tf.cast(features[layer], tf.float32) for layer in term.layers} for name, term in local.items()
        }

    def style_statistics(self, image: Map, weights: Map | None) -> Targets:
        """As in `Objective`."""
        pooled = {name: term for name, term in self._terms.items() if isinstance(term, PooledTerm)}
        features = self._features(pooled, image, self._theirs)
        blocks = None if weights is None else BlockWeights(weights)
        targets: dict[str, dict[str, Any]] = {}
        for name, term in pooled.items():
            targets[name] = {}
            for layer in term.layers:
                here, count = layer_weights(blocks, layer, features[layer].shape[1:3])
                sums = term.sums(features[layer], here)
                targets[name][layer] = term.statistics(sums, count, self._network.metrics[layer])
        return targets

    def columns(self, term: MatchedTerm, views: Sequence[tuple[Map, Map | None]]) -> Any:
        """What the targets of a matched term are chosen from, of one style picture.

        `views` are (standardised picture [1, h, w, 3], weights [h, w] of its pixels, None: 1) of that style picture.
        """
        own = {term.name: term}

        def features_of_views() -> Iterator[View]:
            """One after the other, because the features of all are large."""
            for image, weights in views:
                yield self._features(own, image, self._theirs), None if weights is None else BlockWeights(weights)

        return term.columns(features_of_views(), self._network.metrics)

    def match(self, term: MatchedTerm, query: Map, columns: Any) -> dict[str, Any]:
        """The targets of a matched term: places among `columns` for each position of `query` [1, H, W, 3]."""
        return term.match(self._features({term.name: term}, query, self._own), columns, self._network.metrics)

    def _features(self, terms: Terms, image: Map, borders: Borders) -> Mapping[str, tf.Tensor]:
        layers = feature_layers(terms)
        if not layers:
            return {}
        return extractor(self._network, layers, self._pooling, self._precision, borders)(tf.constant(image))

    def image(self, variables: Vector, kept: Kept | None = None) -> Map:
        """As in `Objective`."""
        picture: Map = self.pyramid.image(tf.convert_to_tensor(variables)).numpy()
        return picture if kept is None else kept.over(picture)

    def __call__(self, variables: Vector, targets: Targets, loss: Loss, kept: Kept | None = None) -> Evaluation:
        """As in `Objective`."""
        weights = weight_tensors(loss)
        image = self.pyramid.image(tf.convert_to_tensor(variables))
        if kept is not None:
            image = kept.over(image)
        # {name: layers} of all values, in their order.
        values, by_image, layers = [], [], dict[str, tuple[str, ...]]()
        if self._picture_loss is not None:
            names = self._picture_loss.names
            references = {name: targets[name][IMAGE] for name in reference_terms(self._terms)}
            found, by_picture = self._picture_loss(image, references, {name: weights[name] for name in names})
            values, by_image, layers = [found], [by_picture], dict.fromkeys(names, (IMAGE,))
        if self._feature_loss is not None:
            featured = self._feature_loss.layers
            of_features = {name: targets[name] for name in featured}
            found, by_features = self._feature_loss(image, of_features, [weights[name] for name in featured])
            values, by_image, layers = [*values, found], [*by_image, by_features], layers | featured
        by_picture = reduce(tf.add, by_image)
        by_variables = self.pyramid.adjoint(by_picture if kept is None else by_picture * (1 - kept.weights))
        # In one tensor, because reading each of them from a GPU's memory takes a fifth of a millisecond.
        left = iter(tf.concat(values, 0).numpy().tolist())
        record = parts(loss, {name: {layer: next(left) for layer in own} for name, own in layers.items()})
        total = sum(part.weighted for part in record.values())
        return Evaluation(total, record, by_variables if tf.is_tensor(variables) else by_variables.numpy())


def style_targets(terms: Terms, statistics: Targets, metrics: Metrics) -> Targets:
    """The targets of the pooled terms among `terms`, from their statistics."""
    return {
        name: {layer: term.target(found, metrics[layer]) for layer, found in statistics[name].items()}
        for name, term in terms.items()
        if isinstance(term, PooledTerm)
    }


def region_targets(
    terms: Terms, regions: Sequence[tuple[BlockWeights, Targets]], metrics: Metrics, relative: bool
) -> Targets:
    """The targets of the pooled terms among `terms` for several regions, from (weights, statistics) of each.

    `relative` measures each region's distances in units of its own style pictures.
    """
    combined: dict[str, dict[str, RegionTargets]] = {}
    for name, term in terms.items():
        if isinstance(term, PooledTerm):
            of_regions = [style_targets({name: term}, statistics, metrics)[name] for _, statistics in regions]
            combined[name] = {
                layer: _of_regions(
                    term,
                    [weights.of(block_of(layer)) for weights, _ in regions],
                    [targets[layer] for targets in of_regions],
                    metrics[layer],
                    relative,
                )
                for layer in term.layers
            }
    return combined


def _of_regions(
    term: PooledTerm, weights: Sequence[Map], targets: Sequence[Any], metric: LayerMetric, relative: bool
) -> RegionTargets:
    stacked = np.stack(weights, -1)[None]
    counts = stacked.sum((0, 1, 2), dtype=np.float64)
    scales = counts / weights[0].size
    if relative:
        scales = scales / [unit_of(term, target, metric) for target in targets]
    return RegionTargets(
        tf.constant(stacked),
        tf.constant(counts.astype(np.float32)),
        tf.constant(scales.astype(np.float32)),
        tuple(targets),
    )


def matched_terms(terms: Terms) -> dict[str, MatchedTerm]:
    """The matched terms among `terms`."""
    return {name: term for name, term in terms.items() if isinstance(term, MatchedTerm)}


def reference_terms(terms: Terms) -> dict[str, ReferenceTerm]:
    """The reference terms among `terms`."""
    return {name: term for name, term in terms.items() if isinstance(term, ReferenceTerm)}


def weight_tensors(loss: Loss) -> dict[str, tf.Tensor]:
    """{name of the term: what the value of each of its layers is multiplied by [layers]}; picture terms have one."""
    return {
        name: tf.constant(
            [part.weight * part.factor(layer) for layer in getattr(part.term, "layers", (IMAGE,))], tf.float32
        )
        for name, part in loss.weighted.items()
    }


def parts(loss: Loss, values: Mapping[str, Mapping[str, tf.Tensor]]) -> Parts:
    """The record of each term, in the order of `loss`."""
    return {
        name: loss.part(name, {layer: float(value) for layer, value in values[name].items()}) for name in loss.weighted
    }
