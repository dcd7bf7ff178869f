"""Gradients that are equal to the bit whenever they are computed again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfstyle.engine import Engine
from tfstyle.gradients import gradient
from tfstyle.images import Picture
from tfstyle.inputs import content_and_style
from tfstyle.objective import weight_tensors
from tfstyle.presets import resolve_options
from tfstyle.pyramid import _adjoint
from tfstyle.stage import Problem
from tfstyle.tensorflow_backend import tf
from tfstyle.transfer import Transfer


def test_gradients_of_structures_and_of_what_has_none() -> None:
    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def traced(x: tf.Tensor, y: tf.Tensor) -> object:
        by = {"x": x, "other": (y, x * 1.0)}
        total = tf.reduce_sum(x**3) + tf.reduce_sum(tf.sin(x)) + tf.reduce_sum(2 * x) + tf.reduce_sum(x * x)
        return gradient(total, by)

    x = np.linspace(-1, 1, 7).astype(np.float32)
    found = traced(tf.constant(x), tf.constant([1.0, 2.0]))
    np.testing.assert_allclose(found["x"], 3 * x**2 + np.cos(x) + 2 + 2 * x, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found["other"][0], [0, 0])
    np.testing.assert_array_equal(found["other"][1], np.zeros(7))


def opened(photo: Picture, oils: Picture, size: int) -> tuple[Transfer, Problem]:
    changes = {"network": "vgg19-lite", "size": size, "steps": 1, "style_loss": "neighbours", "precision": "float32"}
    options = resolve_options("default", {**changes, "coarsest_scale": "none"})
    transfer = Engine().prepare(content_and_style(photo, oils), options)
    list(transfer.iterates())
    return transfer, transfer._problem(0)


def test_no_sum_of_many_is_left_to_the_order_of_threads(photo: Picture, oils: Picture) -> None:
    _, problem = opened(photo, oils, 64)
    objective: Any = problem.objective
    variables, weights = tf.zeros([objective.pyramid.size]), weight_tensors(problem.loss)
    of_picture = {name: weights[name] for name in ("tv", "gamut")}
    image = objective.pyramid.image(variables)
    picture = objective._picture_loss.traced(image, {}, of_picture)
    layers = objective._feature_loss.layers
    featured = objective._feature_loss.traced(
        image, {name: problem.targets[name] for name in layers}, [weights[name] for name in layers]
    )
    adjoint = objective.pyramid._function(_adjoint, image)
    operations = [each for traced in (picture, featured, adjoint) for each in traced.graph.get_operations()]
    sums = [each for each in operations if each.type == "AddN" and len(each.inputs) > 2]
    assert len(operations) > 500
    assert all(each.outputs[0].shape.rank == 0 for each in sums)
    assert tf.config.optimizer.get_experimental_options()["arithmetic_optimization"] is False


@pytest.mark.slow
def test_an_evaluation_gives_the_same_again(photo: Picture, oils: Picture) -> None:
    transfer, problem = opened(photo, oils, 384)  # with smaller pictures the order of threads hardly changes
    variables = transfer._variables.expand(transfer._optimizer.point)
    first, *others = (problem(variables).gradient.tobytes() for _ in range(40))
    assert set(others) == {first}
