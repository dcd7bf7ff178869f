"""Colours of the photo: matched in the painting, or kept at every place."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms

from tfstyle.colour import BRIGHTEST, DARKEST, LUMA
from tfstyle.colour_matching import ColourMatch, colours_of, relit
from tfstyle.engine import Engine
from tfstyle.images import Picture, resize
from tfstyle.inputs import Inputs, content_and_style
from tfstyle.iterate import Delivered
from tfstyle.presets import resolve_options

RANDOM = np.random.default_rng(0)
MIX_ONE, MIX_TWO = RANDOM.normal(size=(3, 3)) * 0.15, RANDOM.normal(size=(3, 3)) * 0.2


def image(mix: np.ndarray, mean: float) -> np.ndarray:
    return (RANDOM.normal(size=(1, 50, 60, 3)) @ mix + mean).astype(np.float32)


def test_mean_and_covariance_become_those_of_the_photo() -> None:
    painting, photo = image(MIX_ONE, 0.1), image(MIX_TWO, -0.2)
    matched = ColourMatch(colours_of(painting), colours_of(photo))(painting)
    flat, wanted = (each.reshape(-1, 3).astype(float) for each in (matched, photo))
    np.testing.assert_allclose(flat.mean(0), wanted.mean(0), atol=1e-3)
    np.testing.assert_allclose(np.cov(flat.T), np.cov(wanted.T), atol=2e-3)


def test_equal_colours_stay_and_no_other_match_moves_less() -> None:
    painting, photo = image(MIX_ONE, 0.1), image(MIX_TWO, -0.2)
    same = colours_of(painting)
    np.testing.assert_allclose(ColourMatch(same, same)(painting), painting, atol=1e-3)
    wanted = colours_of(photo)
    moved = np.mean(np.sum((ColourMatch(same, wanted)(painting) - painting) ** 2, -1))
    # The usual match, through whitened colours, has the same covariance.
    root = np.linalg.cholesky(wanted.covariance) @ np.linalg.inv(np.linalg.cholesky(same.covariance))
    other = (painting.reshape(-1, 3) - same.mean) @ root.T + wanted.mean
    assert moved < np.mean(np.sum((other - painting.reshape(-1, 3)) ** 2, -1))


def test_weights_choose_the_pixels_that_count() -> None:
    both = np.concatenate([image(MIX_ONE, 1.0), image(MIX_TWO, -1.0)], 1)
    weights = np.zeros((100, 60), np.float32)
    weights[:50] = 0.3
    np.testing.assert_allclose(colours_of(both, weights).mean, both[:, :50].reshape(-1, 3).mean(0), atol=1e-6)


def test_matched_colours_stay_in_the_gamut_and_one_colour_can_be_matched() -> None:
    flat = np.full((1, 8, 8, 3), 0.3, np.float32)
    matched = ColourMatch(colours_of(flat), colours_of(image(5 * MIX_TWO, 0)))(flat)
    assert np.isfinite(matched).all()
    assert (matched >= DARKEST).all()
    assert (matched <= BRIGHTEST).all()


def test_relit_colours_have_the_lightness_and_keep_their_direction() -> None:
    colours = RANDOM.random((40, 50, 3)).astype(np.float32)
    luma = RANDOM.random((40, 50)).astype(np.float32)
    found = relit(colours, luma)
    np.testing.assert_allclose(found @ LUMA, luma, atol=1e-5)
    assert found.min() >= -1e-6
    assert found.max() <= 1 + 1e-6
    before, after = (each - (each @ LUMA)[..., None] for each in (colours, found))
    lengths = np.linalg.norm(before, axis=-1) * np.linalg.norm(after, axis=-1)
    cosines = np.sum(before * after, -1)[lengths > 1e-6] / lengths[lengths > 1e-6]
    assert cosines.min() > 0.999


def test_unchanged_lightness_changes_nothing() -> None:
    colours = RANDOM.random((20, 20, 3)).astype(np.float32)
    np.testing.assert_allclose(relit(colours, colours @ LUMA), colours, atol=1e-5)


def lab(picture: Picture) -> np.ndarray:
    """[H, W, 3]: L from 0 to 100, a and b, by Pillow's littleCMS."""
    srgb, space = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(srgb, space, "RGB", "LAB")
    values = np.asarray(ImageCms.applyTransform(Image.fromarray(picture.pixels), transform)).astype(int)  # type: ignore[arg-type]
    shifted = np.where(values[..., 1:] > 127, values[..., 1:] - 256, values[..., 1:])
    return np.concatenate([values[..., :1] * (100 / 255), shifted], -1)


@pytest.fixture(scope="module")
def transfers(photo: Picture, oils: Picture) -> dict[str, Delivered]:
    engine, found = Engine(), {}
    for colour in ("style", "keep", "luminance"):
        found[colour] = made(engine, content_and_style(photo, oils), colour)
    grey = content_and_style(photo, oils).map(lambda _, picture: picture.in_luma())
    found["grey"] = made(engine, grey, "keep")
    return found


def made(engine: Engine, inputs: Inputs[Picture], colour: str) -> Delivered:
    options = resolve_options("fast", {"size": 96, "max_evaluations": 12, "coarsest_scale": "none", "colour": colour})
    transfer = engine.prepare(inputs, options)
    for _ in transfer.iterates():
        pass
    return transfer.deliver()


@pytest.fixture
def results(transfers: dict[str, Delivered]) -> dict[str, Picture]:
    return {name: delivered.picture for name, delivered in transfers.items()}


def test_luminance_keeps_the_hue_of_every_place(photo: Picture, results: dict[str, Picture]) -> None:
    small = resize(photo, results["luminance"].size)
    before, after = lab(small), lab(results["luminance"])
    coloured = (np.linalg.norm(before[..., 1:], axis=-1) > 10) & (np.linalg.norm(after[..., 1:], axis=-1) > 10)
    assert coloured.mean() > 0.3
    angles = np.angle((after[..., 1] + 1j * after[..., 2]) * (before[..., 1] - 1j * before[..., 2]), deg=True)
    assert np.quantile(np.abs(angles[coloured]), 0.95) < 12
    assert np.abs(before[..., 0] - after[..., 0]).mean() > 2  # it is painted


def test_keep_has_the_colours_of_the_photo_on_the_whole(photo: Picture, results: dict[str, Picture]) -> None:
    wanted = lab(resize(photo, results["keep"].size))[..., 1:].reshape(-1, 2)
    distances = {
        name: np.linalg.norm(lab(picture)[..., 1:].reshape(-1, 2).mean(0) - wanted.mean(0))
        for name, picture in results.items()
        if name != "grey"
    }
    assert distances["keep"] < 4
    assert distances["luminance"] < 4
    assert distances["style"] > 2 * distances["keep"]


def test_lightness_is_painted_as_a_grey_picture_is(transfers: dict[str, Delivered]) -> None:
    assert transfers["luminance"].total == pytest.approx(transfers["grey"].total, rel=0.02)
    luma = transfers["luminance"].picture.in_luma().pixels.astype(int)
    assert np.abs(luma - transfers["grey"].picture.pixels).max() <= 1
