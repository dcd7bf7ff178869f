"""The engine's inputs and environment: several styles, masks, transparency, grey pictures, sizes, Keras backend."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import tfstyle
from tfstyle import Inputs, InvalidInputError, Picture, Style, content_and_style
from tfstyle.engine import Engine
from tfstyle.presets import resolve_options

OPTIONS = resolve_options("default", {"size": 64, "network": "vgg19-lite", "max_evaluations": 3})


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def grams(engine: Engine, inputs: Inputs[Picture], **overrides: object) -> dict[str, np.ndarray]:
    options = resolve_options("default", {"size": 64, "network": "vgg19-lite", "style_loss": "gram", **overrides})
    targets = engine.prepare(inputs, options).stages[0].problem(None).targets
    return {name: np.array(gram) for name, gram in targets["style"].items()}


def negative(picture: Picture) -> Picture:
    return Picture(255 - picture.pixels)


def test_several_styles_are_averaged_by_weight(engine: Engine, photo: Picture, oils: Picture) -> None:
    one, other = (grams(engine, content_and_style(photo, style)) for style in (oils, negative(oils)))
    both = grams(engine, Inputs(photo, (Style(oils, 3.0), Style(negative(oils), 1.0))))
    for layer, gram in both.items():
        np.testing.assert_allclose(gram, 0.75 * one[layer] + 0.25 * other[layer], rtol=1e-4, atol=1e-7)


def test_a_style_blended_with_itself_is_unchanged(engine: Engine, photo: Picture, oils: Picture) -> None:
    alone = grams(engine, content_and_style(photo, oils))
    twice = grams(engine, Inputs(photo, (Style(oils, 0.3), Style(oils, 0.7))))
    for layer, gram in twice.items():
        np.testing.assert_allclose(gram, alone[layer], rtol=1e-5, atol=1e-8)


def half(picture: Picture, level: int) -> Picture:
    """A mask: white on the left half, `level` on the right."""
    pixels = np.full_like(picture.pixels, level)
    pixels[:, : pixels.shape[1] // 2] = 255
    return Picture(pixels)


def test_the_black_part_of_a_mask_is_ignored(engine: Engine, photo: Picture, oils: Picture) -> None:
    repainted = oils.pixels.copy()
    repainted[:, repainted.shape[1] * 3 // 4 :] = (255, 0, 0)
    plain, masked = (
        [grams(engine, Inputs(photo, (Style(Picture(pixels), 1.0, mask),))) for pixels in (oils.pixels, repainted)]
        for mask in (None, half(oils, 0))
    )
    layer = "block1_conv1"
    assert np.abs(plain[0][layer] - plain[1][layer]).max() > 0.05 * np.abs(plain[0][layer]).max()
    np.testing.assert_allclose(masked[0][layer], masked[1][layer], rtol=1e-4, atol=1e-6)
    white = grams(engine, Inputs(photo, (Style(oils, 1.0, half(oils, 255)),)))
    for name, gram in grams(engine, content_and_style(photo, oils)).items():
        np.testing.assert_allclose(white[name], gram, rtol=1e-4, atol=1e-7)


def test_transparency_has_the_effect_of_a_mask(engine: Engine, photo: Picture, oils: Picture) -> None:
    cut = Picture(oils.pixels, half(oils, 0).pixels[..., 0])
    transparent, masked = (
        grams(engine, Inputs(photo, (style,))) for style in (Style(cut), Style(oils, 1.0, half(oils, 0)))
    )
    # Deeper layers see across the edge, where the hidden half has the colours of the visible one.
    for layer in ("block1_conv1", "block2_conv1"):
        gram = masked[layer]
        np.testing.assert_allclose(transparent[layer], gram, rtol=0.05, atol=0.02 * np.abs(gram).max())


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (Picture(np.zeros((60, 80, 3), np.uint8)), "leaves no part of the style picture"),
        (Picture(np.full((60, 60, 3), 255, np.uint8)), "needs the aspect ratio of its picture"),
    ],
)
def test_unusable_masks_are_rejected_by_name(
    engine: Engine, photo: Picture, oils: Picture, mask: Picture, says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says) as caught:
        engine.prepare(Inputs(photo, (Style(oils, 1.0, mask),)), OPTIONS)
    assert [violation.field for violation in caught.value.violations] == ["style.mask"]


@pytest.mark.parametrize("preset", ["default", "reference"])
def test_grey_inputs_give_a_grey_picture(engine: Engine, photo: Picture, oils: Picture, preset: str) -> None:
    def greyed(picture: Picture) -> Picture:
        return Picture(np.repeat(picture.pixels[..., 1:2], 3, axis=2))

    options = resolve_options(preset, {"size": 64, "network": "vgg19-lite", "max_evaluations": 12})
    for content, style, grey in ((greyed(photo), greyed(oils), True), (greyed(photo), oils, False)):
        transfer = engine.prepare(content_and_style(content, style), options)
        totals = [iterate.total for iterate in transfer.iterates()]
        assert totals[-1] < 0.9 * totals[0]
        pixels = transfer.deliver().picture.pixels
        assert bool((pixels == pixels[..., :1]).all()) == grey


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {}), ("WEBP", {"quality": 60}), ("AVIF", {})])
def test_grey_files_give_greys_though_they_are_lossy(
    engine: Engine, photo: Picture, oils: Picture, kind: str, options: dict[str, object]
) -> None:
    files = []
    for picture in (photo, oils):
        buffer = io.BytesIO()
        Image.fromarray(picture.pixels).convert("L").convert("RGB").save(buffer, kind, **options)
        files.append(tfstyle.decode(buffer.getvalue(), "content"))
    transfer = engine.prepare(content_and_style(*files), OPTIONS)
    list(transfer.iterates())
    pixels = transfer.deliver().picture.pixels
    assert (pixels == pixels[..., :1]).all()


def test_original_size_is_that_of_the_content_picture(engine: Engine, photo: Picture, oils: Picture) -> None:
    small = Picture(np.ascontiguousarray(photo.pixels[:50, :77]))
    options = resolve_options("fast", {"size": "original", "steps": 1})
    assert engine.prepare(content_and_style(small, oils), options).size == (77, 50)
    huge = Picture(np.zeros((16, 8193, 3), np.uint8))
    with pytest.raises(InvalidInputError, match="8193 x 16 pixels; sizes go up to 8192"):
        engine.prepare(content_and_style(huge, oils), options)


def test_memory_may_be_a_function_that_is_called_for_each_transfer(photo: Picture, oils: Picture) -> None:
    available = iter([10**12, 1])
    engine = Engine(memory=lambda: next(available))
    assert not engine.prepare(content_and_style(photo, oils), OPTIONS).estimate.tiled
    with pytest.raises(InvalidInputError, match="GB are free"):
        engine.prepare(content_and_style(photo, oils), OPTIONS)


BACKEND = """
import os
{first}
try:
    import tfstyle.engine
    import keras
    print("runs on", keras.backend.backend(), "while the environment says", os.environ["KERAS_BACKEND"])
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("first", "says"),
    [
        ("", "runs on tensorflow while the environment says numpy"),
        ("import tensorflow", "TfstyleError Keras cannot run on TensorFlow in this process"),
    ],
)
def test_keras_backend_of_the_environment_is_overridden_unless_keras_is_imported(first: str, says: str) -> None:
    command = [sys.executable, "-c", BACKEND.format(first=first)]
    environment = {**os.environ, "KERAS_BACKEND": "numpy"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    if first and "runs on tensorflow" in ended.stdout:
        pytest.skip("Keras' NumPy backend works here, so TensorFlow's import does not fail on it")
    assert says in ended.stdout
