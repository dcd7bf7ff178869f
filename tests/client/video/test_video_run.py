"""What a run tells before it begins, and what it refuses then."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from tfstyle.inputs import Inputs, Style
from tfstyle_client.errors import BadRequestError
from tfstyle_client.video.chain import Manner
from tfstyle_client.video.run import Estimate, check_length, estimated, frames_of, spelled
from tfstyle_client.video.source import Facts, Part

MANNER = Manner(Inputs(b"", (Style(b"painting"),)), "default", {}, 40)
FACTS = Facts((64, 48), Fraction(10), Fraction(25))


class Fake:
    """A server whose estimates are 3 s for tracing, a tenth of a second for each evaluation, and 2 s where a picture
    follows three others of its size."""

    def __init__(self, *capabilities: str, workers: int = 1) -> None:
        self._info = SimpleNamespace(capabilities=capabilities, workers=workers, version="0.9.0")

    def server_info(self) -> Any:
        return self._info

    def estimate(self, content: object, styles: object, *, preset: str, **options: Any) -> Any:
        temporal = options.get("temporal", ())
        assert temporal in ((), [content] * 3)
        return SimpleNamespace(expected=3 + options.get("max_evaluations", 100) / 10 + 2 * bool(temporal), tracing=3)


def asked(fake: Fake, part: Part, manner: Manner = MANNER) -> Estimate:
    return estimated(fake, FACTS, part, (64, 48), manner)  # type: ignore[arg-type]


def test_tracing_counts_once_and_all_else_for_every_frame() -> None:
    found = asked(Fake("sequences"), Part())
    assert (found.frames, found.first, found.later) == (250, 13, 6)
    assert found.seconds == 13 + 249 * 6
    assert found.text() == "64 x 48 pixels, about 250 frames: about 25:07"
    assert asked(Fake("sequences", workers=3), Part()).seconds == 13 + 249 * 6 / 3


def test_a_second_pass_takes_as_long_as_frames_that_follow_others() -> None:
    found = asked(Fake("sequences"), Part(), replace(MANNER, passes=2))
    assert found.seconds == 13 + 499 * 6
    assert replace(found, frames=None).text().startswith("64 x 48 pixels; about 0:12 for each frame")


def test_a_server_of_a_former_release_is_refused() -> None:
    with pytest.raises(BadRequestError, match=r"server: is of release 0\.9\.0, in which no picture follows another"):
        asked(Fake(), Part())
    alone = asked(Fake(), Part(), Manner(MANNER.inputs, "default", {}, None))
    assert alone.later == alone.first == 13


@pytest.mark.parametrize(
    ("part", "count"),
    [
        (Part(), 250),
        (Part(Fraction(8)), 50),
        (Part(Fraction(8), Fraction(9)), 25),
        (Part(Fraction(0), Fraction(100)), 250),
        (Part(Fraction(20)), 0),
    ],
)
def test_the_frames_of_a_part(part: Part, count: int) -> None:
    assert frames_of(FACTS, part) == count


def test_a_source_of_unknown_length() -> None:
    unknown = Facts((64, 48), None, Fraction(25))
    assert frames_of(unknown, Part()) is None
    assert frames_of(unknown, Part(end=Fraction(2))) == 50
    estimate = Estimate((64, 48), None, 13, 4, 1)
    assert estimate.text() == "64 x 48 pixels; about 0:04 for each frame, and nobody knows how many"
    check_length(estimate)


def test_what_nobody_could_wait_for_needs_a_limit() -> None:
    check_length(Estimate((64, 48), 100_000, 13, 4, 1))
    with pytest.raises(
        BadRequestError, match="limit: is needed: about 900,000 frames would take about 42 days"
    ) as raised:
        check_length(Estimate((64, 48), 900_000, 13, 4, 1))
    assert str(raised.value).endswith("100,000 are the most; give --limit SECONDS")


def test_long_times_are_spelled() -> None:
    assert [spelled(seconds) for seconds in (59, 3599, 7200, 86400 * 3)] == ["0:59", "59:59", "2.0 hours", "3 days"]
