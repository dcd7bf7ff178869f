"""Image terms in bands of rows give the values and the gradient of the whole picture."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfstyle.borders import NO_WRAPS, Wraps
from tfstyle.losses import IMAGE, GamutPenalty, SquaredVariation, TemporalLoss, TotalVariation
from tfstyle.tiled import image_terms
from tfstyle.tiled.image_terms import BandedImageTerms

WEIGHTS = {"tv": 10.0, "tv-2": 3.0, "gamut": 1000.0, "temporal": 300.0}


@pytest.mark.parametrize(
    ("size", "wraps"),
    [
        *(((7, 5), NO_WRAPS), ((64, 48), NO_WRAPS), ((65, 33), NO_WRAPS)),
        *(((16, 48), Wraps(True, True)), ((16, 48), Wraps(down=True)), ((16, 48), Wraps(across=True))),
    ],
)
@pytest.mark.parametrize("band", [1, 40, 333, 10**6])
def test_values_and_gradient_match_the_whole_picture(
    size: tuple[int, int], band: int, wraps: Wraps, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = {"tv": TotalVariation(wraps), "tv-2": SquaredVariation(wraps), "gamut": GamutPenalty()}
    monkeypatch.setattr(image_terms, "BAND_PIXELS", band)
    random = np.random.default_rng(0)
    image = random.normal(0, 2, (1, *size, 3)).astype(np.float32)
    image[:, :, :1] = image[:, :1, :1]  # equal neighbours
    temporal = TemporalLoss()
    earlier = temporal.target([(random.normal(0, 1, image.shape), random.uniform(0, 1, size)) for _ in range(2)])
    before = random.normal(size=image.shape).astype(np.float32)
    variable = tf.Variable(image)
    with tf.GradientTape() as tape:
        wanted = {name: term.value(variable, size[0], size) for name, term in terms.items()}
        wanted["temporal"] = temporal.value(variable, earlier, size)
        total = sum(WEIGHTS[name] * value for name, value in wanted.items())
    expected = tape.gradient(total, variable).numpy()
    gradient = before.copy()
    banded = BandedImageTerms(terms | {"temporal": temporal}, size, wraps)
    found = banded.add(image, gradient, WEIGHTS, {"temporal": {IMAGE: earlier}})
    for name, value in wanted.items():
        assert found[name] == pytest.approx(float(value), rel=1e-6)
    np.testing.assert_allclose(gradient - before, expected, atol=1e-6 * np.abs(expected).max())


def test_without_image_terms_nothing_is_added() -> None:
    gradient = np.ones((1, 4, 4, 3), np.float32)
    assert BandedImageTerms({}, (4, 4)).add(gradient, gradient, {}, {}) == {}
    assert (gradient == 1).all()
