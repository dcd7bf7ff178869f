"""The targets of a stage, computed from the pictures at its scale."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfstyle.colour import standardise
from tfstyle.losses import IMAGE, MatchedTerm, Metrics
from tfstyle.masks import BlockWeights
from tfstyle.objective import (
    Objective,
    Targets,
    Terms,
    WholeObjective,
    matched_terms,
    reference_terms,
    region_targets,
    style_targets,
)
from tfstyle.painting import Painting
from tfstyle.scaled_inputs import ScaledInputs
from tfstyle.tensorflow_backend import tf

Map = NDArray[np.float32]
Remember = Callable[[Hashable, Callable[[], Any]], Any]
"""As `tfstyle.recent.Recent.of`, for one objective."""


def targets_of(
    objective: Objective,
    terms: Terms,
    inputs: ScaledInputs,
    start: Map | None,
    metrics: Metrics,
    recent: Remember,
    *,
    relative: bool,
) -> Targets:
    """The targets of all `terms`, the same with which `objective` was made.

    What is computed from a style picture alone is asked of `recent`. Matched terms need `start`, the standardised
    picture [1, H, W, 3] at which the stage begins. With `relative`, the targets of regions hold the units of their
    values.
    """
    content = standardise(inputs.content.pixels)
    areas = [(BlockWeights(region.weights), region.paintings) for region in inputs.regions]
    targets = dict(objective.content_targets(content))
    if areas:
        statistics = [(weights, _statistics(objective, paintings)) for weights, paintings in areas]
        targets |= region_targets(terms, statistics, metrics, relative)
    else:
        together = "targets", *((each.key, each.share) for each in inputs.paintings)
        targets |= recent(together, lambda: style_targets(terms, _statistics(objective, inputs.paintings), metrics))
    for name, reference in reference_terms(terms).items():
        earlier = [(standardise(each.picture.pixels), each.weights) for each in inputs.temporal]
        targets[name] = {IMAGE: reference.target(earlier)}
    for name, term in matched_terms(terms).items():
        # Such a picture is never tiled, and its stage remembers its start.
        assert isinstance(objective, WholeObjective)
        assert start is not None
        query = term.query(content, start, _held(inputs))
        if areas:
            found = [(weights, _matched(objective, term, query, paintings, recent)) for weights, paintings in areas]
            targets[name] = term.in_regions(found)
        else:
            targets[name] = _matched(objective, term, query, inputs.paintings, recent)
    return targets


def _held(inputs: ScaledInputs) -> Map | None:
    """Where the picture is held to earlier results [1, H, W, 1], from 0 to 1; None if it does not start from them."""
    if not inputs.temporal or inputs.start is None:
        return None
    return np.minimum(sum(each.weights for each in inputs.temporal), np.float32(1))[None, :, :, None]


def _statistics(objective: Objective, paintings: Iterable[Painting]) -> Any:
    return _blend((each.share, objective.style_statistics(each.image, each.weights)) for each in paintings)


def _matched(
    objective: WholeObjective, term: MatchedTerm, query: Map, paintings: Iterable[Painting], recent: Remember
) -> Any:
    def columns(painting: Painting) -> Any:
        return recent((term.name, painting.key), lambda: objective.columns(term, painting.views))

    return _blend((each.share, objective.match(term, query, columns(each))) for each in paintings)


def _blend(styles: Iterable[tuple[float, Any]]) -> Any:
    """The targets of several styles, averaged by their shares; only two are held at once."""
    blended = None
    for share, targets in styles:
        scaled = tf.nest.map_structure(partial(tf.multiply, np.float32(share)), targets)
        blended = scaled if blended is None else tf.nest.map_structure(tf.add, blended, scaled)
    return blended
