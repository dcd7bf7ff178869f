"""The division into areas: each position has one owner, and no owned feature depends on what its window lacks."""

from __future__ import annotations

import numpy as np
import pytest

from tfstyle.borders import CIRCULAR, ZERO, Borders
from tfstyle.losses import ContentLoss
from tfstyle.networks.extractor import extractor
from tfstyle.networks.lite import load_lite
from tfstyle.tiled.areas import divide, seen

BORDERS = [Borders(ZERO, ZERO), Borders(CIRCULAR, ZERO), Borders(ZERO, CIRCULAR), Borders(CIRCULAR, CIRCULAR)]


@pytest.mark.parametrize("borders", BORDERS)
@pytest.mark.parametrize("most", [1, 2, 7, 12])
@pytest.mark.parametrize("size", [(640, 1600), (96, 1008)])
def test_each_position_of_each_block_has_one_owner(size: tuple[int, int], most: int, borders: Borders) -> None:
    if CIRCULAR not in borders:
        size = size[0] + 5, size[1] + 9  # sides at which poolings drop rows and columns
    areas = divide(size, most, 80, 16, borders)
    assert 1 <= len(areas) <= most
    assert len({area.size for area in areas}) == 1, "all share one trace"
    for block in range(1, 6):
        height, width = (side >> (block - 1) for side in size)
        owners = np.zeros((1, height, width, 1), np.float32)
        for area in areas:
            rows, columns = (side.halved(block - 1) for side in (area.rows, area.columns))
            own = area.owned(block)
            assert own.shape[1:3] == tuple(side >> (block - 1) for side in area.size)
            down = np.arange(rows.start, rows.stop) % height
            across = np.arange(columns.start, columns.stop) % width
            owners[0, down[:, None], across] += own[0]
        assert (owners == 1).all()
    for area in areas:
        for window, side in ((area.rows, size[0]), (area.columns, size[1])):
            assert window.start % 16 == 0
            assert window.own_start - window.start >= 80 or window.start == 0
            assert window.stop - window.own_stop >= 80 or window.stop == side


@pytest.mark.parametrize(("most", "grid"), [(2, (1, 2)), (4, (2, 2)), (6, (2, 3)), (7, (1, 7)), (13, (3, 4))])
def test_the_windows_are_as_small_as_any_division_allows(most: int, grid: tuple[int, int]) -> None:
    areas = divide((2000, 3000), most, 80, 16, Borders())
    assert (len({area.rows for area in areas}), len({area.columns for area in areas})) == grid


def test_a_small_picture_is_not_divided_into_areas_that_save_nothing() -> None:
    (area,) = divide((150, 150), 8, 80, 16, Borders())
    assert area.size == (150, 150)


@pytest.mark.parametrize("borders", BORDERS[:2])
def test_windows_that_are_added_up_are_the_adjoint_of_those_that_are_read(borders: Borders) -> None:
    random = np.random.default_rng(1)
    whole = random.normal(size=(1, 480, 640, 3)).astype(np.float32)
    areas = divide((480, 640), 6, 80, 16, borders)
    parts = [random.normal(size=(1, *area.size, 3)).astype(np.float32) for area in areas]
    added = np.zeros_like(whole)
    for area, part in zip(areas, parts, strict=True):
        area.add(part, added)
    products = sum(float(np.vdot(area.read(whole), part)) for area, part in zip(areas, parts, strict=True))
    assert float(np.vdot(whole, added)) == pytest.approx(products, rel=1e-4)


def test_owned_features_see_as_far_as_the_margin_and_no_farther() -> None:
    network = load_lite()
    layers = ("block3_conv4", "block4_conv2", "block5_conv1")
    assert [seen(network, {"content": ContentLoss((layer,))}) for layer in layers] == [(24, 4), (40, 8), (80, 16)]
    layer, (reach, _) = layers[1], (40, 8)
    image = np.random.default_rng(2).normal(size=(1, 16, 208, 3)).astype(np.float32)
    extract = extractor(network, (layer,))
    whole = np.asarray(extract(image)[layer])
    part = np.asarray(extract(image[:, :, 104 - reach :])[layer])[:, :, reach // 8 :]
    scale = np.abs(whole).max()
    assert np.abs(part - whole[:, :, 13:]).max() < 1e-5 * scale
    less = np.asarray(extract(image[:, :, 104 - reach + 8 :])[layer])[:, :, reach // 8 - 1 :]
    assert np.abs(less - whole[:, :, 13:]).max() > 1e-4 * scale
