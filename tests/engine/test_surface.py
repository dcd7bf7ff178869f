"""In bands of rows, the very numbers of the losses that see the picture whole."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfstyle import surface
from tfstyle.losses import GamutPenalty, Synthesis, TotalVariation


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (7, 5), (64, 48), (65, 33)])
@pytest.mark.parametrize("band", [1, 40, 333, 10**6])
def test_values_and_gradient_are_those_of_the_losses(
    shape: tuple[int, int], band: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surface, "BAND_PIXELS", band)
    random = np.random.default_rng(0)
    image = random.normal(0, 2, (1, *shape, 3)).astype(np.float32)
    image[:, :, :1] = image[:, :1, :1]  # equal neighbours
    before = random.normal(size=image.shape).astype(np.float32)
    variable = tf.Variable(image)
    terms = TotalVariation() * 10.0 + GamutPenalty() * 1000.0
    with tf.GradientTape() as tape:
        total, parts = terms(Synthesis(variable, {}))
    wanted = tape.gradient(total, variable).numpy()
    gradient = before.copy()
    tv, gamut = surface.add_surface(image, gradient, 10.0, 1000.0)
    if min(shape) > 1:  # a mean over no differences is no number
        assert tv == pytest.approx(float(parts["tv"]["image"]), rel=1e-6)
        np.testing.assert_allclose(gradient - before, wanted, atol=1e-6 * np.abs(wanted).max())
    assert gamut == pytest.approx(float(parts["gamut"]["image"]), rel=1e-6)
