"""The objective of a picture that does not fit into memory: the same loss and gradient, computed in tiles."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

import numpy as np

from tfstyle.borders import ZERO, Borders, borders_of, style_borders
from tfstyle.losses import IMAGE, FeatureTerm, Loss
from tfstyle.networks.network import Network
from tfstyle.objective import Evaluation, Kept, Map, Targets, Terms, parts
from tfstyle.precision import FLOAT32
from tfstyle.pyramid import Pyramid
from tfstyle.tiled import banded_pyramid
from tfstyle.tiled.crew import Crew
from tfstyle.tiled.distances import Values
from tfstyle.tiled.image_terms import BandedImageTerms
from tfstyle.tiled.network import TiledNetwork
from tfstyle.tiled.spread import SpreadNetwork

MOST_STYLE_SIZES = 2
"""Number of picture sizes whose traced networks are kept."""


class FeatureNetwork(Protocol):
    """The feature terms of a picture of one size, wherever they are computed."""

    def content_targets(self, image: Map) -> Targets:
        """As in `tfstyle.objective.Objective`."""

    def style_statistics(self, image: Map, weights: Map | None) -> Targets:
        """As in `tfstyle.objective.Objective`, for a style picture of this size."""

    def losses(self, image: Map, targets: Targets, weights: Mapping[str, Mapping[str, float]]) -> tuple[Values, Map]:
        """The values of all feature terms, and the gradient of their weighted sum with respect to `image` [1, H, W, 3].

        `weights` {name: {layer: weight}}.
        """


class TiledObjective:
    """Computes the same as `tfstyle.objective.WholeObjective`, in bounded memory.

    `whole_from` is as in `TiledNetwork`, `padding` as in `WholeObjective`. The first call for a size traces. With a
    `crew`, its parties compute the features, while the picture itself stays here.
    """

    def __init__(
        self,
        network: Network,
        pyramid: Pyramid,
        whole_from: int,
        terms: Terms,
        pooling: str,
        precision: str = FLOAT32,
        padding: str = ZERO,
        crew: Crew | None = None,
    ) -> None:
        self._crew = crew
        self.pyramid = pyramid
        self._network, self._terms = network, terms
        self._whole_from, self._pooling, self._precision = whole_from, pooling, precision
        self._style_borders = style_borders(padding, pyramid.wraps)
        size = pyramid.height, pyramid.width
        self._tiled = self._over(size, borders_of(padding, pyramid.wraps))
        self._image_terms = BandedImageTerms(terms, size, pyramid.wraps)
        self._styles: OrderedDict[tuple[int, int], FeatureNetwork] = OrderedDict()
        if not any(pyramid.wraps):
            self._styles[size] = self._tiled
        self.traces = 1

    def _over(self, size: tuple[int, int], borders: Borders) -> FeatureNetwork:
        how = self._whole_from, self._terms, self._pooling, self._precision, borders
        if self._crew is None:
            return TiledNetwork(self._network, size, *how)
        return SpreadNetwork(self._network, size, *how, crew=self._crew)

    def content_targets(self, image: Map) -> Targets:
        """As in `tfstyle.objective.Objective`."""
        return self._tiled.content_targets(image)

    def style_statistics(self, image: Map, weights: Map | None) -> Targets:
        """As in `tfstyle.objective.Objective`."""
        _, height, width, _ = image.shape
        size = height, width
        if size not in self._styles:
            self._styles[size] = self._over(size, self._style_borders)
            self.traces += 1
            if len(self._styles) > MOST_STYLE_SIZES:
                self._styles.popitem(last=False)
        self._styles.move_to_end(size)
        return self._styles[size].style_statistics(image, weights)

    def image(self, variables: Map, kept: Kept | None = None) -> Map:
        """As in `tfstyle.objective.Objective`."""
        image = banded_pyramid.image(self.pyramid, np.asarray(variables))
        return image if kept is None else kept.over(image)

    def __call__(self, variables: Map, targets: Targets, loss: Loss, kept: Kept | None = None) -> Evaluation:
        """As in `tfstyle.objective.Objective`."""
        image = self.image(variables, kept)
        weights = {
            name: {layer: part.weight * part.factor(layer) for layer in part.term.layers}
            for name, part in loss.weighted.items()
            if isinstance(part.term, FeatureTerm)
        }
        values, by_image = self._tiled.losses(image, targets, weights)
        by_image = np.require(by_image, requirements="W")  # copies if it is a view of TensorFlow's memory
        by_term = {name: part.weight for name, part in loss.weighted.items()}
        found = self._image_terms.add(image, by_image, by_term, targets)
        values |= {name: {IMAGE: value} for name, value in found.items()}
        del image
        if kept is not None:
            by_image *= 1 - kept.weights
        gradient = banded_pyramid.adjoint(self.pyramid, by_image)
        found_parts = parts(loss, values)
        return Evaluation(sum(part.weighted for part in found_parts.values()), found_parts, gradient)
