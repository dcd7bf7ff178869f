"""The schedule of scales."""

from __future__ import annotations

import itertools

import pytest

from tfstyle.errors import InvalidInputError
from tfstyle.options import TransferOptions, schedule
from tfstyle.presets import resolve_options
from tfstyle.schedule import RATIO, Scale, automatic_scales


@pytest.mark.parametrize("evaluations", [1, 2, 3, 40, 1000])
@pytest.mark.parametrize(("size", "coarsest"), [(512, 128), (320, 80), (160, 128), (8192, 64)])
def test_automatic_scales_go_up_to_the_result_and_share_the_evaluations(
    size: int, coarsest: int, evaluations: int
) -> None:
    scales = automatic_scales(size, coarsest, evaluations)
    assert scales[-1].size == size
    assert sum(scale.evaluations for scale in scales) == evaluations
    assert all(scale.evaluations >= min(12, evaluations) for scale in scales)
    sizes = [scale.size for scale in scales]
    assert sizes == sorted(set(sizes))
    if len(scales) > 1:
        assert sizes[0] == coarsest
    if evaluations == 1000:  # enough for every scale that the ratio asks for
        assert all(larger / smaller <= RATIO * 1.03 for smaller, larger in itertools.pairwise(sizes))


@pytest.mark.parametrize(("size", "coarsest"), [(512, 512), (100, 128), (150, 128)])
def test_a_coarsest_scale_near_the_result_is_left_out(size: int, coarsest: int) -> None:
    assert automatic_scales(size, coarsest, 50) == (Scale(size, 50),)


def test_few_evaluations_go_to_few_scales() -> None:
    assert automatic_scales(512, 128, 23) == (Scale(512, 23),)
    assert automatic_scales(512, 128, 24) == (Scale(128, 12), Scale(512, 12))
    assert automatic_scales(512, 128, 40) == (Scale(128, 13), Scale(256, 13), Scale(512, 14))


def test_scales_divide_the_evaluations_equally() -> None:
    assert [scale.evaluations for scale in automatic_scales(512, 128, 100)] == [25, 25, 25, 25]


def test_explicit_scales_leave_the_rest_to_the_result() -> None:
    options = TransferOptions(size=320, scales=((80, 100), (120, 60)), max_evaluations=200)
    assert schedule(options, 320) == (Scale(80, 100), Scale(120, 60), Scale(320, 40))


def test_no_coarse_scale_means_only_the_result() -> None:
    options = resolve_options("default", {"coarsest_scale": "none", "max_evaluations": 30})
    assert schedule(options, 512) == (Scale(512, 30),)
    assert schedule(resolve_options("reference"), 512) == (Scale(512, 500),)


def test_automatic_scales_begin_where_the_pictures_are_large_enough() -> None:
    assert schedule(TransferOptions(coarsest_scale=64), 512, least=200)[0].size == 200


@pytest.mark.parametrize(
    ("scales", "says"),
    [
        (((96, 0),), "1 to 10000 evaluations for each scale; got 96:0"),
        (((8, 10),), "sizes from 16 to 8191 pixels; got 8:10"),
        (((96, 10), (64, 10)), "must go up from the smallest scale; got 64 after 96"),
        (((96, 10), (96, 10)), "got 96 after 96"),
        (((96, 10), (512, 10)), r"must be smaller than the result \(512\), which is always the last scale; got 512"),
        (((96, 60), (200, 40)), r"must leave some of max_evaluations \(100\) to the last scale; got 100"),
        (((3_000_000_000, 10),), "sizes from 16 to 8191 pixels"),
        (((96, 10.5),), "tuple of pairs"),
        ([(96, 10)], "tuple of pairs"),
        ((96, 10), "tuple of pairs"),
        (tuple((16 + k, 1) for k in range(17)), "at most 16 scales; got 17"),
    ],
)
def test_bad_schedules_are_rejected_by_name(scales: object, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says) as caught:
        TransferOptions(size=512, max_evaluations=100, scales=scales)  # type: ignore[arg-type]
    assert [violation.field for violation in caught.value.violations] == ["scales"]


def test_scales_above_the_picture_s_own_size_are_rejected() -> None:
    options = TransferOptions(size=0, scales=((300, 10),))
    with pytest.raises(InvalidInputError, match=r"scales: must be smaller than the result \(200\)"):
        schedule(options, 200)
