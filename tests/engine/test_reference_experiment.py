"""VGG19 and the reference preset, compared with an independent implementation in NumPy.

Needs VGG19's weights, which Keras downloads if there is a network connection; skipped otherwise. Uses the photographs
of the reference experiment if ../shared has them, else the demo's pictures.
"""

from __future__ import annotations

import io
import json
from importlib.resources import files
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import correlate

import tfstyle
from conftest import SHARED
from tfstyle.engine import Engine
from tfstyle.inputs import content_and_style
from tfstyle.presets import resolve_options

STYLE_LAYERS = tuple(f"block{i}_conv1" for i in range(1, 6))
CONTENT_LAYER = "block4_conv4"
ARTIFACTS = Path(__file__).parents[2] / "artifacts"


class NumpyVGG19:
    """VGG19 up to block5_conv1 from the raw weights file, in NumPy alone, without any code of the engine."""

    def __init__(self, file: Path) -> None:
        with h5py.File(file) as h5:
            self.weights = {}
            for name in (n.decode() if isinstance(n, bytes) else n for n in h5.attrs["layer_names"]):
                arrays = [h5[name][w][...] for w in h5[name].attrs["weight_names"]]
                if arrays:
                    self.weights[name] = arrays
        means = json.loads(files("tfstyle.networks").joinpath("vgg19_mean_activations.json").read_text())
        self.means = means["mean_activations"]

    def features(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """Features of [H, W, 3] standardised RGB divided by their layer's mean activation, in the image's dtype."""
        x = (image * [0.229, 0.224, 0.225] + [0.485, 0.456, 0.406])[..., ::-1] * 255 - [103.939, 116.779, 123.68]
        x = x.astype(image.dtype)
        found = {}
        for name, (kernel, bias) in self.weights.items():
            if name[5] != "1" and name.endswith("conv1"):
                h, w, c = x.shape
                x = x[: h // 2 * 2, : w // 2 * 2].reshape(h // 2, 2, w // 2, 2, c).max((1, 3))
            padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
            h, w, _ = x.shape
            total = np.broadcast_to(bias.astype(image.dtype), (h, w, len(bias))).copy()
            for row in range(3):
                for column in range(3):
                    total += padded[row : row + h, column : column + w] @ kernel[row, column].astype(image.dtype)
            x = np.maximum(total, 0)
            found[name] = x / self.means[name]
            if name == "block5_conv1":
                return found
        raise AssertionError

    def total(self, image: np.ndarray, content: np.ndarray, grams: dict[str, np.ndarray]) -> dict[str, float]:
        """Content, style and total variation with the reference's weights."""
        found = self.features(image)
        return {
            "content": float(((found[CONTENT_LAYER] - content) ** 2).mean()),
            "style": 1e4 * sum(float(((gram(found[name]) - grams[name]) ** 2).mean()) for name in STYLE_LAYERS),
            "tv": 5 * sum(float(np.abs(correlate(image, w)[tuple(cut)]).mean()) for w, cut in DIFFERENCES),
        }


DIFFERENCES = (
    (np.array([[[-1]], [[1]], [[0]]]), (slice(1, None), slice(None))),
    (np.array([[[-1], [1], [0]]]), (slice(None), slice(1, None))),
)


def gram(features: np.ndarray) -> np.ndarray:
    flat = features.reshape(-1, features.shape[-1])
    return flat.T @ flat / features.size


def standardised(file: bytes, size: tuple[int, int]) -> np.ndarray:
    pixels = np.array(Image.open(io.BytesIO(file)).convert("RGB").resize(size, Image.Resampling.BILINEAR))
    return (pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]


@pytest.fixture(scope="module")
def engine(vgg19_weights: Path) -> Engine:
    return Engine(str(vgg19_weights))


@pytest.fixture(scope="module")
def independent(vgg19_weights: Path) -> NumpyVGG19:
    return NumpyVGG19(vgg19_weights)


@pytest.fixture(scope="module")
def pair(landscape: bytes, painting: bytes) -> tuple[bytes, bytes]:
    names = [SHARED / "images" / name for name in ("rainier.jpg", "autumn-oak.jpg")]
    if not all(name.is_file() for name in names):
        return landscape, painting
    return names[0].read_bytes(), names[1].read_bytes()


def prepared(engine: Engine, pair: tuple[bytes, bytes], **overrides: object) -> tfstyle.Transfer:
    pictures = [tfstyle.decode(file, field) for file, field in zip(pair, ("content", "style"), strict=True)]
    return engine.prepare(content_and_style(*pictures), resolve_options("reference", {"network": "vgg19", **overrides}))


@pytest.mark.parametrize("longer", [225, pytest.param(450, marks=pytest.mark.slow)])
def test_first_losses_agree_with_numpy(
    engine: Engine, independent: NumpyVGG19, pair: tuple[bytes, bytes], longer: int
) -> None:
    size = (longer, round(longer * 2 / 3))
    # The engine applies rainier's ICC profile. Take the pixels from the first evaluation, whose picture is the photo
    # itself; the decoding is tested in tests/engine/images.
    transfer = prepared(engine, pair, size=longer, steps=1)
    (first,) = transfer.iterates()
    photo = (first.picture().pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert first.picture().size == size
    style = standardised(pair[1], size)
    seen, wanted = (independent.features(image.astype(np.float32)) for image in (photo, style))
    for name in STYLE_LAYERS:
        expected = float(((gram(seen[name]) - gram(wanted[name])) ** 2).mean())
        assert first.losses["style"].by_layer[name] == pytest.approx(expected, rel=1e-3)
    variation = 0.5 * (np.abs(np.diff(photo, axis=0)).mean() + np.abs(np.diff(photo, axis=1)).mean())
    assert first.losses["tv"].value == pytest.approx(variation, rel=1e-3)
    assert first.losses["content"].value < 1e-6
    assert first.total == pytest.approx(1e4 * first.losses["style"].value + 10 * variation, rel=1e-3)


def test_gradient_agrees_with_finite_differences_in_float64(
    engine: Engine, independent: NumpyVGG19, pair: tuple[bytes, bytes]
) -> None:
    transfer = prepared(engine, pair, size=48, steps=1)
    random = np.random.default_rng(0)
    (first,) = transfer.iterates()
    photo = (first.picture().pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    image = photo + random.normal(0, 0.4, photo.shape)
    evaluation = transfer._evaluate(image.astype(np.float32).ravel())

    content = independent.features(photo)[CONTENT_LAYER]
    style = independent.features(standardised(pair[1], (48, 32)))
    grams = {name: gram(style[name]) for name in STYLE_LAYERS}
    parts = independent.total(image, content, grams)
    assert evaluation.total == pytest.approx(sum(parts.values()), rel=1e-3)
    for _ in range(4):
        direction = random.normal(size=image.shape)
        direction += 30 * (evaluation.gradient / np.linalg.norm(evaluation.gradient)).reshape(image.shape)
        step = 1e-5
        ahead, back = (
            sum(independent.total(image + sign * step * direction, content, grams).values()) for sign in (1, -1)
        )
        slope = float(evaluation.gradient.astype(float) @ direction.ravel())
        assert slope == pytest.approx((ahead - back) / (2 * step), rel=2e-3)


@pytest.mark.slow
def test_losses_match_the_reference_implementation(engine: Engine, reference_pictures: tuple[bytes, bytes]) -> None:
    """The reference implementation's totals at 150 x 225: 37.4 at step 1, 6.66 at 50 and 5.27 at 100."""
    transfer = prepared(engine, reference_pictures, size=225, steps=100)
    totals = {iterate.evaluation: iterate.total for iterate in transfer.iterates()}
    for step, expected in {1: 37.4, 50: 6.66, 100: 5.27}.items():
        assert totals[step] == pytest.approx(expected, rel=0.10), step
    ARTIFACTS.mkdir(exist_ok=True)
    png = tfstyle.encode_png(transfer.deliver().picture)
    (ARTIFACTS / "reference-150x225-100-steps.png").write_bytes(png)


@pytest.mark.slow
def test_our_optimizer_beats_the_reference_in_half_the_evaluations(engine: Engine, pair: tuple[bytes, bytes]) -> None:
    """Delivered losses at the reference's weights, the same pictures, size and network."""
    reference = prepared(engine, pair, size=150, steps=60)
    list(reference.iterates())
    ours = {"optimizer": "lbfgs", "pyramid_levels": 7, "pyramid_decay": 0.5, "gamut_weight": 1000.0, "steps": 30}
    options = resolve_options("reference", {"network": "vgg19", "size": 150, **ours})
    pictures = [tfstyle.decode(file, "picture") for file in pair]
    ours = engine.prepare(content_and_style(*pictures), options)
    list(ours.iterates())
    judged = [reference.judge(transfer.deliver().picture).total for transfer in (ours, reference)]
    assert judged[0] < judged[1]
