"""The layout of tiles: they cover a side once, and margins are as wide as the positions that an edge affects."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tfstyle.tiled.windows import Window, margin, poolings_stride, read, windows


@pytest.mark.parametrize("length", [1, 16, 63, 64, 65, 97, 200, 203, 1024, 1027])
@pytest.mark.parametrize(("owned", "edge", "stride"), [(32, 16, 4), (16, 8, 2), (24, 8, 8)])
def test_owned_parts_cover_a_side_once_and_keep_the_margin_to_inner_edges(
    length: int, owned: int, edge: int, stride: int
) -> None:
    tiles = windows(length, owned, edge, stride)
    covered = np.zeros(length, int)
    for tile in tiles:
        covered[tile.owned] += 1
        assert tile.start == 0 or tile.own_start - tile.start >= edge
        assert tile.stop == length or tile.stop - tile.own_stop >= edge
        assert tile.start % stride == 0
        assert tile.own_start % stride == 0
        np.testing.assert_array_equal(np.flatnonzero(tile.mask) + tile.start, np.arange(length)[tile.owned])
    assert (covered == 1).all()
    assert len({tile.stop - tile.start for tile in tiles}) == 1, "all tiles share one trace"
    assert all(one.start < next_one.start for one, next_one in itertools.pairwise(tiles))


@pytest.mark.parametrize("length", [16, 64, 96, 208, 1024])
@pytest.mark.parametrize(("owned", "edge", "stride"), [(32, 16, 4), (16, 8, 2), (24, 8, 8)])
def test_every_inner_and_outer_edge_of_a_side_that_wraps_has_its_margin(
    length: int, owned: int, edge: int, stride: int
) -> None:
    tiles = windows(length, owned, edge, stride, wraps=True)
    assert sorted(np.concatenate([np.arange(length)[tile.owned] for tile in tiles])) == list(range(length))
    assert len({tile.stop - tile.start for tile in tiles}) == 1, "all tiles share one trace"
    if len(tiles) > 1:
        for tile in tiles:
            assert tile.own_start - tile.start >= edge
            assert tile.stop - tile.own_stop >= edge
            assert tile.start % stride == tile.own_start % stride == tile.stop % stride == 0
    else:
        assert tiles == [Window(0, length, 0, length)]


def test_windows_beyond_the_map_read_its_other_side() -> None:
    whole = np.arange(6 * 8, dtype=np.float32).reshape(1, 6, 8, 1)
    rows, columns = Window(-2, 3, 0, 2), Window(6, 11, 7, 8)
    expected = np.roll(whole, (2, 2), (1, 2))[:, :5, :5]
    np.testing.assert_array_equal(read(whole, rows, columns), expected)
    inside = read(whole, Window(1, 5, 2, 4), Window(0, 8, 0, 8))
    np.testing.assert_array_equal(inside, whole[:, 1:5])
    assert inside.base is not None, "a view"


@pytest.mark.parametrize(
    ("length", "count", "positions"), [(1732, 4, 1840), (1155, 3, 1233), (544, 1, 544), (549, 2, 586)]
)
def test_windows_overlap_as_little_as_possible(length: int, count: int, positions: int) -> None:
    tiles = windows(length, 512, 16, 4)
    assert len(tiles) == count
    assert sum(tile.stop - tile.start for tile in tiles) == positions


def test_halved_window_drops_an_odd_end_as_pooling_does() -> None:
    assert Window(8, 31, 12, 31).halved(2) == Window(2, 7, 3, 7)


@pytest.mark.parametrize(("convolutions", "pooled"), [([2, 2], True), ([4], True), ([1], False), ([4, 1], False)])
def test_margin_covers_the_positions_that_an_edge_affects(convolutions: list[int], pooled: bool) -> None:
    """Independent of the formula: find the input gradients that change when everything left of an edge is removed."""
    random = np.random.default_rng(0)
    length, edge = 256, 64
    kernels = [[random.normal(size=3) for _ in range(count)] for count in convolutions]

    def gradient(signal: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The gradient of weights . output: each convolution is followed by a square, each block by sums of two."""
        inputs, x = [], signal
        for index, block in enumerate(kernels):
            for kernel in block:
                y = np.convolve(x, kernel, "same")
                inputs.append((kernel, y))
                x = y + 0.01 * y**2
            if pooled or index < len(kernels) - 1:
                x = x.reshape(-1, 2).sum(1)
        upstream = weights[-len(x) :]
        for index, block in reversed(list(enumerate(kernels))):
            if pooled or index < len(kernels) - 1:
                upstream = np.repeat(upstream, 2)
            for _ in block:
                kernel, y = inputs.pop()
                upstream = np.convolve(upstream * (1 + 0.02 * y), kernel[::-1], "same")
        return upstream

    signal, weights = random.normal(size=length), random.normal(size=length)
    whole, cut = gradient(signal, weights)[edge:], gradient(signal[edge:], weights)
    affected = int(np.flatnonzero(np.abs(whole - cut) > 1e-12 * np.abs(whole).max()).max()) + 1
    stride = poolings_stride(len(convolutions), pooled)
    assert affected <= margin(convolutions, pooled) < affected + 2 * stride
