"""Textures: the library's call, its defaults, and what the canvas is."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tfstyle
from tfstyle.canvas import OF_THE_PHOTO, canvas, texture_options
from tfstyle.images import decode
from tfstyle.presets import PRESETS, resolve_options


def test_texture_has_the_size_the_style_and_the_colours_of_the_painting_and_no_seam(painting: bytes) -> None:
    made = tfstyle.texture(painting, (64, 48), network="vgg19-lite", seamless="x", coarsest_scale=0, steps=14)
    pixels = made.delivered.picture.pixels.astype(float)
    assert pixels.shape == (48, 64, 3)
    wanted = np.asarray(Image.open(io.BytesIO(painting)).convert("RGB"), float)
    assert np.abs(pixels.mean((0, 1)) - wanted.mean((0, 1))).max() < 20
    assert np.abs(pixels[:, 0] - pixels[:, -1]).mean() < 1.2 * np.abs(np.diff(pixels, axis=1)).mean()
    losses = made.delivered.losses
    assert losses["content"].weighted == 0
    assert losses["style"].value < 1, "a fifth of that of a black picture, which has 5 layers"


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_textures(preset: str) -> None:
    options = resolve_options(preset, texture_options((300, 200), preset, {}))
    assert (options.size, options.content_weight, options.start, options.padding) == (300, 0, "style", "replicate")
    assert options.style_loss == ("gram" if preset == "reference" else "wasserstein")
    assert options.style_weight == (1e4 if preset == "reference" else 6)
    assert options.max_evaluations == PRESETS[preset].max_evaluations


def test_what_is_given_comes_before_the_defaults_of_textures() -> None:
    given = {"padding": "zero", "start": "noise", "style_loss": "gram", "steps": 7}
    options = resolve_options("default", texture_options((64, 64), "default", given))
    assert (options.padding, options.start, options.style_loss, options.max_evaluations) == ("zero", "noise", "gram", 7)
    split = texture_options((64, 64), "detail", {"split_evaluations": 30})
    assert resolve_options("detail", split).split_evaluations == 30


@pytest.mark.parametrize("size", [(15, 64), (64, 8193), (0, 64), (-5, 64)])
def test_sizes_out_of_range_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(tfstyle.InvalidInputError, match="size: must have sides from 16 to 8192 pixels; got"):
        tfstyle.texture(b"", size)


@pytest.mark.parametrize("name", OF_THE_PHOTO)
def test_options_of_the_photo_are_refused(name: str) -> None:
    value: Any = {"strength": 0.5, "colour": "keep", "content_weight": 1.0}.get(name, ())
    with pytest.raises(tfstyle.InvalidInputError, match=f"{name}: has no effect on a texture, which has no photo"):
        tfstyle.texture(b"", (64, 64), **{name: value})


def test_a_texture_cannot_start_from_a_photo() -> None:
    with pytest.raises(tfstyle.InvalidInputError, match="start: must be style or noise; a texture has no photo"):
        tfstyle.texture(b"", (64, 64), start="content")


def test_canvas_is_flat_grey_and_small_as_a_file() -> None:
    data = canvas((4000, 3000))
    assert len(data) < 20_000
    picture = decode(canvas((40, 30)), "content")
    assert picture.size == (40, 30)
    assert (picture.pixels == 128).all()
    assert picture.grey
