"""Regions of the photo: masks and maps of flat colours, their errors, and the loss within them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfstyle.checkpoint import read_checkpoint
from tfstyle.engine import Engine
from tfstyle.errors import InvalidInputError
from tfstyle.images import Picture
from tfstyle.inputs import Inputs, Style
from tfstyle.losses import ContentLoss, GramLoss, NeighboursLoss
from tfstyle.masks import BlockWeights
from tfstyle.networks.extractor import extractor
from tfstyle.networks.lite import load_lite
from tfstyle.objective import Kept, WholeObjective, region_targets
from tfstyle.options import TransferOptions
from tfstyle.presets import resolve_options
from tfstyle.pyramid import Pyramid
from tfstyle.regions import count_regions, flat_colours
from tfstyle.scaled_inputs import ScaledInputs, scaled_inputs, sizes_of

RANDOM = np.random.default_rng(0)
RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 200, 0)


def picture(width: int, height: int) -> Picture:
    return Picture(RANDOM.integers(0, 256, (height, width, 3), np.uint8))


def halves(width: int, height: int, left: object, right: object) -> Picture:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2], pixels[:, width // 2 :] = left, right
    return Picture(pixels)


PHOTO, ONE, TWO = picture(96, 64), picture(80, 80), picture(64, 96)
LEFT = halves(96, 64, 255, 0)
UPPER = Picture(halves(64, 96, 255, 0).pixels.transpose(1, 0, 2))


def scaled(inputs: Inputs[Picture], longer: int = 96) -> ScaledInputs:
    return scaled_inputs(inputs, TransferOptions(), longer, grey=False)


def test_a_style_has_its_region_and_the_others_share_the_rest() -> None:
    styles = Style(ONE, 2.0, region=LEFT), Style(TWO, 1.0), Style(ONE, 3.0)
    first, rest = scaled(Inputs(PHOTO, styles)).regions
    assert first.weights[:, :48].min() == 1
    assert first.weights[:, 48:].max() == 0
    np.testing.assert_array_equal(rest.weights, 1 - first.weights)
    assert [painting.share for painting in first.paintings] == [1.0]
    assert [painting.share for painting in rest.paintings] == [0.25, 0.75]


def test_soft_edges_stay_soft() -> None:
    ramp = Picture(np.repeat(np.linspace(0, 255, 96).astype(np.uint8)[None, :, None], 64, 0).repeat(3, 2))
    (first, rest) = scaled(Inputs(PHOTO, (Style(ONE, region=ramp), Style(TWO))), 48).regions
    middle = first.weights[16]
    assert np.all(np.diff(middle) > 0)
    np.testing.assert_allclose(middle, np.linspace(0.5, 95 - 0.5, 48) / 95, atol=0.01)
    np.testing.assert_allclose(first.weights + rest.weights, 1)


def test_regions_of_one_colour_pair() -> None:
    inputs = Inputs(
        PHOTO,
        (Style(ONE, regions=halves(80, 80, BLUE, (250, 10, 5))), Style(TWO, regions=halves(64, 96, BLUE, GREEN))),
        regions=halves(96, 64, RED, BLUE),
    )
    regions = {tuple(region.weights[0, [0, -1]]): region for region in scaled(inputs).regions}
    red, blue = regions[1, 0], regions[0, 1]
    assert len(red.paintings) == 1  # the second painting has no red
    assert red.paintings[0].weights is not None
    np.testing.assert_array_equal(red.paintings[0].weights[0, [0, -1]], [0, 1])
    assert [painting.share for painting in blue.paintings] == [0.5, 0.5]
    for painting in blue.paintings:
        assert painting.weights is not None
        np.testing.assert_array_equal(painting.weights[0, [0, -1]], [1, 0])


def test_a_style_without_a_map_serves_every_colour_and_masks_multiply() -> None:
    mask = Picture(np.full((80, 80, 3), 51, np.uint8))
    inputs = Inputs(
        PHOTO,
        (Style(ONE, mask=mask, regions=halves(80, 80, RED, GREEN)), Style(TWO)),
        regions=halves(96, 64, RED, BLUE),
    )
    red, blue = sorted(scaled(inputs).regions, key=lambda region: -len(region.paintings))
    assert red.paintings[0].weights is not None
    np.testing.assert_allclose(red.paintings[0].weights[0, [0, -1]], [0.2, 0], atol=1e-6)
    assert red.paintings[1].weights is None
    assert [painting.share for painting in blue.paintings] == [1.0]


def test_smooth_edges_between_flat_colours_count_as_the_nearer_one() -> None:
    pixels = halves(96, 64, RED, BLUE).pixels.copy()
    pixels[:, 47], pixels[:, 48] = (180, 0, 75), (60, 0, 195)
    pixels[10:12, 47] = (181, 0, 74)
    found = flat_colours("regions", Picture(pixels))
    assert {colour: int(where.sum()) for colour, where in found.items() if colour in (RED, BLUE)}[RED] >= 47 * 64
    assert sum(where.sum() for where in found.values()) == 96 * 64


def test_what_is_kept_belongs_to_no_region() -> None:
    (only,) = scaled(Inputs(PHOTO, (Style(ONE), Style(TWO)), keep=LEFT)).regions
    np.testing.assert_array_equal(only.weights[0, [0, -1]], [0, 1])
    assert len(only.paintings) == 2
    first, rest = scaled(Inputs(PHOTO, (Style(ONE, region=UPPER), Style(TWO)), keep=LEFT)).regions
    np.testing.assert_array_equal(first.weights[[0, 0, -1, -1], [0, -1, 0, -1]], [0, 1, 0, 0])
    np.testing.assert_array_equal(rest.weights[[0, 0, -1, -1], [0, -1, 0, -1]], [0, 0, 0, 1])
    (rest,) = scaled(Inputs(PHOTO, (Style(ONE, region=LEFT), Style(TWO)), keep=LEFT)).regions
    assert rest.paintings[0].picture.size == (64, 96)


ALL_BLACK, SMALL = Picture(np.zeros((64, 96, 3), np.uint8)), picture(50, 50)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            lambda: Inputs(PHOTO, (Style(ONE, region=SMALL), Style(TWO))),
            r"styles\[0\].region: is 50 x 50 pixels; it needs",
        ),
        (lambda: Inputs(PHOTO, (Style(ONE),), keep=SMALL), "keep: is 50 x 50 pixels; it needs the aspect ratio of the"),
        (lambda: Inputs(PHOTO, (Style(ONE, region=ALL_BLACK), Style(TWO))), r"styles\[0\].region: leaves nothing"),
        (lambda: Inputs(PHOTO, (Style(ONE, region=LEFT), Style(TWO, region=ALL_BLACK))), r"styles\[1\].region: leaves"),
        (
            lambda: Inputs(PHOTO, (Style(ONE, region=halves(96, 64, 255, 255)), Style(TWO))),
            r"styles\[1\]: has no region, and those of the other styles leave nothing",
        ),
        (lambda: Inputs(PHOTO, (Style(ONE),), keep=halves(96, 64, 255, 255)), "keep: leaves nothing"),
        (
            lambda: Inputs(PHOTO, (Style(ONE, regions=halves(80, 80, RED, RED)),), regions=halves(96, 64, RED, BLUE)),
            "regions: no style has regions of the colour #0000ff",
        ),
        (lambda: Inputs(PHOTO, (Style(ONE, regions=LEFT),), regions=LEFT), "style.regions: is 96 x 64 pixels"),
        (lambda: Inputs(PHOTO, (Style(ONE, regions=ONE),), regions=PHOTO), "regions: is not a map of flat colours"),
        (lambda: Inputs(PHOTO, (Style(ONE),), regions=LEFT), "regions: needs the regions of a style picture"),
        (lambda: Inputs(PHOTO, (Style(ONE, regions=LEFT),)), "style.regions: needs the regions of the content picture"),
        (
            lambda: Inputs(PHOTO, (Style(ONE, region=LEFT), Style(ONE, regions=ONE)), regions=LEFT),
            r"styles\[0\].region: cannot be combined with regions",
        ),
    ],
)
def test_errors_name_the_mask(inputs, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        scaled(inputs())


PYRAMID = Pyramid(64, 96, 3, 1.0)


def image(seed: int, height: int = 64, width: int = 96) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(1, height, width, 3)).astype(np.float32)


def gram(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted Gram matrix by its formula, in the space of the imitated network."""
    flat = features[0].reshape(-1, features.shape[-1]).astype(float)
    return np.einsum("n,nc,nd->cd", weights.ravel(), flat, flat) / weights.sum()


def test_loss_of_regions_is_the_sum_of_their_own_losses_by_area() -> None:
    network = load_lite()
    term = GramLoss(("block1_conv1", "block3_conv1"))
    loss = 3.0 * term
    made = WholeObjective(network, PYRAMID, loss.terms, "max")
    weights = np.zeros((64, 96), np.float32)
    weights[:, :32] = 1
    areas = [BlockWeights(weights), BlockWeights(1 - weights)]
    statistics = [made.style_statistics(image(seed), None) for seed in (1, 2)]
    targets = region_targets(loss.terms, list(zip(areas, statistics, strict=True)), network.metrics, relative=False)
    found = made(PYRAMID.variables(image(0)), targets, loss)
    features = extractor(network, term.layers)(image(0))
    for layer in term.layers:
        metric = network.metrics[layer]
        expected = 0.0
        for seed, area in zip((1, 2), areas, strict=True):
            here = area.of(int(layer[5]))
            own = gram(features[layer].numpy(), here)
            other = gram(extractor(network, term.layers)(image(seed))[layer].numpy(), np.ones_like(here))
            difference = (own - other) / metric.channels
            matrix = np.eye(len(own)) if metric.matrix is None else metric.matrix.astype(float)
            distance = np.trace(matrix @ difference @ matrix @ difference) / metric.channels**2
            expected += distance * here.sum() / here.size
        assert found.parts["style"].by_layer[layer] == pytest.approx(expected, rel=1e-3)


def test_gradient_stays_within_the_reach_of_a_region_and_agrees_with_differences() -> None:
    network = load_lite()
    loss = GramLoss(("block2_conv1",)) * 100.0
    made = WholeObjective(network, Pyramid(64, 96, 1, 1.0), loss.terms, "max")
    weights = np.zeros((64, 96), np.float32)
    weights[:, :32] = 1
    regions = [(BlockWeights(weights), made.style_statistics(image(1), None))]
    targets = region_targets(loss.terms, regions, network.metrics, relative=False)
    start = image(0).ravel()
    gradient = made(start, targets, loss).gradient
    shaped = gradient.reshape(64, 96, 3)
    assert np.abs(shaped[:, :32]).max() > 0
    assert np.abs(shaped[:, 48:]).max() == 0
    # Not a random direction, in which the loss hardly changes; signs make it another one than the gradient.
    direction = np.sign(gradient) * np.abs(gradient).max()
    step = 1e-3 * np.linalg.norm(start) / np.linalg.norm(direction)
    ahead, behind = (made(start + sign * step * direction, targets, loss).total for sign in (1, -1))
    assert (ahead - behind) / (2 * step) == pytest.approx(float(gradient @ direction), rel=2e-2)


def test_relative_regions_are_measured_each_by_its_own_painting() -> None:
    network = load_lite()
    term = GramLoss(("block1_conv1",))
    made = WholeObjective(network, PYRAMID, (1.0 * term).terms, "max")
    whole = BlockWeights(np.full((64, 96), 0.5, np.float32))
    for strength in (1.0, 10.0):
        statistics = made.style_statistics(strength * image(1), None)
        regions = [(whole, statistics), (whole, statistics)]
        targets = region_targets({"style": term}, regions, network.metrics, relative=True)
        value = made(PYRAMID.variables(0 * image(0)), targets, 1.0 * term).total
        assert value == pytest.approx(1.0, rel=0.2)  # the distance of a grey picture, whose features are few


def test_neighbours_are_those_of_a_region_and_nothing_is_asked_elsewhere() -> None:
    network = load_lite()
    term = NeighboursLoss(("block2_conv1", "block3_conv1"))
    made = WholeObjective(network, PYRAMID, (1.0 * term).terms, "max")
    weights = np.zeros((64, 96), np.float32)
    weights[:, :48] = 1
    one, two = (made.match(term, image(0), made.columns(term, [(image(seed), None)])) for seed in (1, 2))
    placed = term.in_regions([(BlockWeights(weights), one), (BlockWeights(1 - weights), two)])
    for layer in term.layers:
        np.testing.assert_array_equal(placed[layer][:, :, :12], one[layer][:, :, :12])
        np.testing.assert_array_equal(placed[layer][:, :, 12:], two[layer][:, :, 12:])
    alone = term.in_regions([(BlockWeights(weights), one)])
    gradient = made(PYRAMID.variables(image(0)), {"neighbours": alone}, 1.0 * term).gradient
    shaped = gradient[: 64 * 96 * 3].reshape(64, 96, 3)
    assert np.abs(shaped[:, :40]).max() > 0
    assert np.abs(shaped[:, 72:]).max() < 1e-6 * np.abs(shaped).max()


def test_what_is_kept_is_the_photo_and_has_no_gradient() -> None:
    loss = ContentLoss(("block2_conv2",)) * 1.0
    made = WholeObjective(load_lite(), Pyramid(64, 96, 1, 1.0), loss.terms, "max")
    weights = np.zeros((1, 64, 96, 1), np.float32)
    weights[:, 20:40] = 1
    weights[:, 40:] = 0.25
    kept = Kept(weights, image(5))
    shown = made.image(image(0).ravel(), kept)
    np.testing.assert_array_equal(shown[:, :20], image(0)[:, :20])
    np.testing.assert_allclose(shown[:, 20:40], image(5)[:, 20:40], atol=1e-6)
    np.testing.assert_allclose(shown[:, 40:], 0.75 * image(0)[:, 40:] + 0.25 * image(5)[:, 40:], atol=1e-6)
    targets = made.content_targets(image(1))
    found = made(image(0).ravel(), targets, loss, kept)
    plain = made(shown.ravel(), targets, loss)
    assert found.total == pytest.approx(plain.total, rel=1e-6)
    expected = plain.gradient.reshape(64, 96, 3) * (1 - weights[0])
    np.testing.assert_allclose(found.gradient.reshape(64, 96, 3), expected, atol=1e-6 * np.abs(expected).max())


def test_delivered_losses_are_those_of_the_picture_as_it_is() -> None:
    grey = Picture(np.full((64, 96, 3), 128, np.uint8))
    options = resolve_options("fast", {"size": 96, "max_evaluations": 2, "coarsest_scale": "none"})
    transfer = Engine().prepare(Inputs(PHOTO, (Style(ONE),), keep=grey), options)
    *_, last = transfer.iterates()
    delivered = transfer.deliver()
    assert delivered.total == pytest.approx(last.total, rel=0.02)


def test_regions_are_counted_and_need_memory() -> None:
    two = Inputs(PHOTO, (Style(ONE, region=LEFT), Style(TWO), Style(ONE)))
    every = Inputs(PHOTO, (Style(ONE, region=LEFT), Style(TWO, region=LEFT)))
    coloured = Inputs(PHOTO, (Style(ONE, regions=LEFT),), regions=halves(96, 64, RED, BLUE))
    counts = [count_regions(each) for each in (two, every, coloured, Inputs(PHOTO, (Style(ONE),), keep=LEFT))]
    assert counts == [2, 2, 2, 1]
    assert count_regions(Inputs(PHOTO, (Style(ONE), Style(TWO)))) == 0
    engine, options = Engine(memory=10**11), resolve_options("fast", {"size": 1024})
    plain, four = (engine.outline(sizes_of(two), options, regions=count).estimate.memory for count in (0, 4))
    # Measured with 6 regions at this size: 150 MB for each.
    assert 4 * 100e6 < four - plain < 4 * 200e6


@pytest.mark.slow
def test_a_transfer_of_regions_runs_over_several_scales_and_resumes_to_the_bit(tmp_path: Path) -> None:
    inputs = Inputs(PHOTO, (Style(ONE, region=LEFT), Style(TWO)), keep=UPPER)
    options = resolve_options(
        "default", {"network": "vgg19-lite", "size": 96, "scales": ((64, 2),), "max_evaluations": 4}
    )
    engine = Engine()
    transfer = engine.prepare(inputs, options)
    for iterate in transfer.iterates():
        if iterate.evaluation == 3:
            transfer.checkpoint(tmp_path / "checkpoint")
    resumed = engine.prepare(inputs, options, read_checkpoint(tmp_path / "checkpoint"))
    for _ in resumed.iterates():
        pass
    np.testing.assert_array_equal(resumed.deliver().picture.pixels, transfer.deliver().picture.pixels)
