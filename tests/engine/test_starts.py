"""The picture that a transfer starts from."""

from __future__ import annotations

import numpy as np
import pytest

from tfstyle.colour import MEAN, STD, standardise
from tfstyle.colour_matching import colours_of
from tfstyle.engine import Engine
from tfstyle.errors import InvalidInputError
from tfstyle.images import Picture, resize
from tfstyle.inputs import Inputs, Style
from tfstyle.options import TransferOptions
from tfstyle.presets import resolve_options
from tfstyle.scaled_inputs import ScaledInputs, scaled_inputs
from tfstyle.starts import start_image

RANDOM = np.random.default_rng(0)


def picture(width: int, height: int) -> Picture:
    # Colours that go together: their covariance has entries outside the diagonal.
    pixels = RANDOM.integers(0, 128, (height, width, 3), np.uint8)
    pixels[..., 0] += pixels[..., 1]
    return Picture(pixels)


PHOTO, ONE, TWO = picture(120, 80), picture(60, 90), picture(90, 60)


def start(inputs: Inputs[Picture], longer: int = 120, grey: bool = False, **options: object) -> np.ndarray:
    chosen = TransferOptions(**options)  # type: ignore[arg-type]
    scaled: ScaledInputs = scaled_inputs(inputs, chosen, longer, grey)
    return start_image(scaled, chosen, grey)


BOTH = Inputs(PHOTO, (Style(ONE, 3.0), Style(TWO)))


def test_content_is_the_photo_at_that_scale() -> None:
    np.testing.assert_array_equal(start(BOTH, 60), standardise(resize(PHOTO, (60, 40)).pixels))


@pytest.mark.parametrize("kind", ["noise", "style"])
def test_noise_is_that_of_its_seed(kind: str) -> None:
    first, again, other = (start(BOTH, 60, start=kind, seed=seed) for seed in (1, 1, 2))
    assert first.shape == (1, 40, 60, 3)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.1


def test_noise_in_the_paintings_colours_has_their_mean_and_covariance() -> None:
    image = start(BOTH, 120, start="style")
    found = colours_of(image)
    flat = [
        standardise(each.pixels).reshape(-1, 3).astype(float)
        for each in (resize(ONE, (80, 120)), resize(TWO, (120, 80)))
    ]
    mean = 0.75 * flat[0].mean(0) + 0.25 * flat[1].mean(0)
    second = 0.75 * flat[0].T @ flat[0] / len(flat[0]) + 0.25 * flat[1].T @ flat[1] / len(flat[1])
    np.testing.assert_allclose(found.mean, mean, atol=0.05)
    np.testing.assert_allclose(found.covariance, second - np.outer(mean, mean), atol=0.05)


@pytest.mark.parametrize("kind", ["noise", "style"])
def test_noise_for_a_grey_picture_is_grey(kind: str) -> None:
    grey = Inputs(PHOTO.in_grey(), (Style(ONE.in_grey()),))
    image = start(grey, start=kind, grey=True)
    rgb = image[0] * STD + MEAN
    assert rgb.std() > 0.05
    np.testing.assert_allclose(rgb, rgb[..., 1:2].repeat(3, 2), atol=1e-3)


def test_a_given_picture_comes_first() -> None:
    other = picture(240, 160)
    given = Inputs(PHOTO, (Style(ONE),), start_picture=other)
    np.testing.assert_array_equal(start(given, 60, start="noise"), standardise(resize(other, (60, 40)).pixels))
    with pytest.raises(InvalidInputError, match="start_picture: is 60 x 90 pixels; it needs the aspect"):
        start(Inputs(PHOTO, (Style(ONE),), start_picture=ONE))


def test_runs_from_equal_seeds_are_equal_to_the_bit() -> None:
    engine = Engine()
    results = {}
    for run, seed in enumerate((5, 5, 6)):
        options = resolve_options(
            "fast", {"size": 64, "max_evaluations": 2, "coarsest_scale": "none"} | {"start": "noise", "seed": seed}
        )
        transfer = engine.prepare(BOTH, options)
        for _ in transfer.iterates():
            pass
        results[run] = transfer.deliver().picture.pixels
    np.testing.assert_array_equal(results[0], results[1])
    assert np.abs(results[0].astype(int) - results[2]).mean() > 1
