"""The estimate before a run: choice of tiling, rejection, counted bytes."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import replace

import numpy as np
import pytest

import tfstyle
from tfstyle import memory
from tfstyle.errors import InvalidInputError
from tfstyle.images import Picture
from tfstyle.inputs import content_and_style
from tfstyle.losses import loss_from_options
from tfstyle.networks.lite import load_lite
from tfstyle.optimizers.lbfgs import LBFGS
from tfstyle.precision import FLOAT32
from tfstyle.presets import resolve_options
from tfstyle.pyramid import Pyramid


def demand(width: int, height: int, **overrides: object) -> memory.Demand:
    options = resolve_options("default", {"network": "vgg19-lite", "style_loss": "wasserstein", **overrides})
    pyramid = Pyramid(height, width, options.pyramid_levels, options.pyramid_decay)
    return memory.Demand(pyramid, 10**6, loss_from_options(options).terms, options, FLOAT32)


def choose(width: int, height: int, available: float, **overrides: object) -> int:
    return memory.choose_whole_from(load_lite(), demand(width, height, **overrides), round(available))


def test_less_memory_means_more_tiling() -> None:
    chosen = [choose(2000, 1000, available) for available in (20e9, 4e9, 3e9, 2.6e9)]
    assert chosen[0] == 1
    assert chosen == sorted(chosen)
    assert chosen[-1] > 3


def test_24_megapixels_fit_into_10_gb_with_a_short_history() -> None:
    assert choose(6000, 4000, 10e9, history_size=1) > 1
    assert choose(6000, 4000, 9e9, optimizer="adam") > 1
    with pytest.raises(InvalidInputError, match=r"; size \d+ or history_size 1 or optimizer adam would fit"):
        choose(6000, 4000, 10e9)


def test_too_large_transfers_are_rejected_and_the_suggested_fix_works() -> None:
    with pytest.raises(InvalidInputError) as refusal:
        choose(6000, 4000, 12e9)
    (violation,) = refusal.value.violations
    assert violation.field == "size"
    assert "6000 x 4000 pixels need" in violation.description
    assert "12.0 GB are free" in violation.description
    history = int(violation.description.split("or history_size ")[1].split()[0])
    assert choose(6000, 4000, 12e9, optimizer="adam") > 1
    assert choose(6000, 4000, 12e9, history_size=history) > 1
    with pytest.raises(InvalidInputError):
        choose(6000, 4000, 12e9, history_size=history + 1)
    match = re.search(r"; size (\d+) or ", violation.description)
    assert match
    size = int(match[1])

    def fits(longer: int) -> bool:
        smaller = demand(longer, round(longer * 2 / 3))
        smaller = replace(smaller, style_pixels=round(10**6 * (longer / 6000) ** 2))
        return memory.fitting_whole_from(load_lite(), smaller, 12 * 10**9) is not None

    assert fits(size)
    assert not fits(size + 48), "not much smaller than it has to be"


def test_cuts_beyond_the_deepest_layer_are_not_considered() -> None:
    with pytest.raises(InvalidInputError):
        choose(6000, 4000, 5e9, history_size=1, content_layers=("block2_conv2",), style_layers=("block1_conv1",))


def test_neighbours_are_never_tiled() -> None:
    assert choose(2000, 1000, 20e9, style_loss="neighbours") == 1
    assert choose(2000, 1000, 4e9) > 1
    with pytest.raises(InvalidInputError) as refusal:
        choose(2000, 1000, 4e9, style_loss="neighbours")
    assert str(refusal.value).startswith("size: 2000 x 1000 pixels need ")
    assert "and style_loss neighbours, which cannot be tiled, and 4.0 GB are free; size " in str(refusal.value)
    assert "or style_loss auto would fit" in str(refusal.value)


@pytest.mark.parametrize("available", [7e9, 8e9, 9e9, 10e9])
def test_what_is_suggested_in_place_of_neighbours_fits(available: float) -> None:
    overrides = {"style_loss": "neighbours", "history_size": 100, "split_evaluations": 10}
    with pytest.raises(InvalidInputError) as refusal:
        choose(2000, 1000, available, **overrides)
    suggested = re.findall(r"(history_size|optimizer|style_loss) (\w+)(?=[^,]*would fit)", str(refusal.value))
    assert suggested
    for name, value in suggested:
        changed = {**overrides, name: int(value) if value.isdecimal() else value}
        wanted = resolve_options("default", {"network": "vgg19-lite", **changed})
        terms = loss_from_options(wanted, wanted.style_losses[-1]).terms
        needed = replace(demand(2000, 1000, **changed), terms=terms)
        assert memory.fitting_whole_from(load_lite(), needed, round(available)) is not None


def test_choosing_neighbours_takes_memory_and_time() -> None:
    network = load_lite()
    with_choice, without = demand(500, 300, style_loss="neighbours"), demand(500, 300)
    more = memory.bytes_needed(network, with_choice, 1) - memory.bytes_needed(network, without, 1)
    channels = sum(len(network.weights[layer][-1]) for layer in without.options.style_layers)
    rows, columns = 500 * 300 // 16, 4 * 16384
    # Targets, and three copies of query and columns.
    assert more > 4 * channels * (4 * rows + 3 * columns)
    rate = 1e11
    longer = memory.seconds_needed(network, with_choice, 1, 10, rate) - memory.seconds_needed(
        network, without, 1, 10, rate
    )
    one = 192 * (rows * columns + channels * (rows + columns)) / rate  # 192 dimensions are compared
    assert longer == pytest.approx(one, rel=0.01)
    three = replace(with_choice, styles=3)
    assert memory.seconds_needed(network, three, 1, 10, rate) == pytest.approx(
        memory.seconds_needed(network, with_choice, 1, 10, rate) + 2 * one, rel=0.01
    )
    assert memory.bytes_needed(network, three, 1) > memory.bytes_needed(network, with_choice, 1)


def test_what_the_engine_remembers_of_paintings_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """All columns of a small painting, of a large one as much as is kept at most."""
    network, large = load_lite(), demand(500, 300, style_loss="neighbours")
    sizes = replace(large, style_pixels=60 * 40), large
    channels = sum(len(network.weights[layer][-1]) for layer in sizes[0].options.style_layers)
    counted = [memory.bytes_needed(network, each, 1) for each in sizes]
    monkeypatch.setattr(memory, "MOST_BYTES", 0)
    held = [before - memory.bytes_needed(network, each, 1) for before, each in zip(counted, sizes, strict=True)]
    assert held == [4 * 4 * (60 * 40 // 16) * (channels + 192), 128 * 2**20]


def test_regions_take_time_by_the_features_that_they_weigh() -> None:
    network, rate = load_lite(), 1e11
    plain = demand(500, 300)
    values = sum(len(network.weights[f"block{block}_conv1"][-1]) / 4 ** (block - 1) for block in range(1, 6))
    longer = [
        memory.seconds_needed(network, replace(plain, regions=regions), 1, 10, rate)
        - memory.seconds_needed(network, plain, 1, 10, rate)
        for regions in (1, 3)
    ]
    assert longer[0] == pytest.approx(10 * 500 * 300 * values * memory.REGION_TRAFFIC)
    assert longer[1] == pytest.approx(3 * longer[0])
    # Regions divide the places that are looked up among them.
    matched = demand(500, 300, style_loss="neighbours")
    more = memory.seconds_needed(network, replace(matched, regions=3), 1, 10, rate)
    assert more - memory.seconds_needed(network, matched, 1, 10, rate) == pytest.approx(longer[1])


def test_optimizer_bytes_match_its_arrays() -> None:
    small = demand(60, 40, history_size=6)
    size = small.pyramid.size
    optimizer = LBFGS(np.zeros(size, np.float32), small.options.history_size)
    optimizer.tell(1.0, np.ones(size, np.float32))
    state = optimizer.state()
    vectors = ("point", "trial", "gradient", "direction", "squares")
    held = sum(state[name].nbytes for name in vectors)
    assert memory.optimizer_bytes(small) == held + state["pairs"].nbytes


def test_pixels_take_less_time_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_rate", lambda: 2.5e12)
    seconds = []
    for has_gpu in (False, True):
        monkeypatch.setattr(memory, "has_gpu", lambda has_gpu=has_gpu: has_gpu)
        seconds.append(memory.seconds_needed(load_lite(), demand(2000, 1000), 1, 10, 1e12))
    assert seconds[1] < seconds[0] / 2


def test_seconds_on_a_gpu_follow_the_rate_of_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "has_gpu", lambda: True)
    network, whole = load_lite(), demand(2000, 1000)

    def seconds(rate: float, what: memory.Demand = whole, whole_from: int = 1) -> float:
        monkeypatch.setattr(memory, "memory_rate", lambda: rate)
        return memory.seconds_needed(network, what, whole_from, 1, 1e15) - memory.OVERHEAD

    fast, slow = seconds(2e12), seconds(1e12)
    assert slow == pytest.approx(2 * fast, rel=0.05)
    pixels, variables = 2000 * 1000, whole.pyramid.size
    bytes_moved = memory.GPU_TRAFFIC * pixels + 12 * 46 * 4 * variables  # 20 pairs and 6 vectors
    assert slow == pytest.approx(bytes_moved / 1e12, rel=0.05)
    on_processor = pixels * memory.HOST_TRAFFIC
    adam = demand(2000, 1000, optimizer="adam")
    assert seconds(1e15, adam) == pytest.approx(on_processor, rel=0.05)
    assert seconds(1e15, whole, 2) == pytest.approx(on_processor, rel=0.05), "tiled: vectors on the processor"


def test_the_rate_of_the_memory_is_measured() -> None:
    assert 1e8 < memory.memory_rate() < 1e14


@pytest.mark.parametrize(
    "borders", [{}, pytest.param({"seamless": "x", "padding": "replicate"}, marks=pytest.mark.slow)]
)
def test_tiled_transfer_gives_the_same_picture_as_untiled(
    landscape: bytes, painting: bytes, borders: dict[str, str]
) -> None:
    pictures: tuple[Picture, Picture] = (tfstyle.decode(landscape, "content"), tfstyle.decode(painting, "style"))
    options = resolve_options("fast", {"size": 480, "steps": 4, "history_size": 3, "precision": "float32", **borders})
    delivered = []
    for limit in (None, 390 * 10**6):
        transfer = tfstyle.Engine(memory=limit).prepare(content_and_style(*pictures), options)
        assert transfer.estimate.tiled == (limit is not None)
        assert transfer.estimate.seconds > 0
        list(transfer.iterates())
        delivered.append(transfer.deliver())
    assert delivered[0].total == pytest.approx(delivered[1].total, rel=1e-3)
    apart = np.abs(delivered[0].picture.pixels.astype(int) - delivered[1].picture.pixels)
    assert apart.max() <= 2


def test_a_grey_picture_has_a_third_of_the_variables() -> None:
    coloured = demand(600, 400)
    grey = dataclasses.replace(coloured, grey=True)
    assert 3 * memory.optimizer_bytes(grey) == memory.optimizer_bytes(coloured)
