"""The progress over frames: lines for logs, and JSON for scripts."""

from __future__ import annotations

import json
import re

import pytest

from tfstyle_client.errors import ClientError
from tfstyle_client.events import Losses, Progress
from tfstyle_client.video.frames_display import LINES, FramesDisplay, frames_display

HALF = Progress(20, 40, Losses(1.0, {}, {}, {}), 1.0, 1.0, None, 1)


def run(screen: FramesDisplay) -> None:
    with screen:
        screen.begin("looking", 200)
        for number in range(200):
            screen.reached(number + 1)
        screen.begin("painting", 200)
        for number in range(100):
            screen.skipped(f"{number}", f"out/{number}")
        for number in range(100, 199):
            screen.show(f"{number}", HALF)
            screen.made(f"{number}", f"out/{number}")
        screen.failed("199", "the worker broke down", ClientError("the worker broke down", "INTERNAL"))
        screen.begin("writing", 200)
        for number in range(200):
            screen.reached(number + 1)


def test_lines_are_few_and_say_what_was_there(capsys: pytest.CaptureFixture[str]) -> None:
    run(frames_display(False))
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    for step in ("looking", "painting", "writing"):
        told = [line for line in lines if line.startswith(step)]
        assert 2 <= len(told) <= LINES + 2
    assert "looking  200/200 frames" in lines
    assert "writing  200/200 frames" in lines
    assert any(re.fullmatch(r"painting  15\d/200 frames, 100 of them before  0:\d\d left", line) for line in lines)
    assert "199 has failed: the worker broke down" in lines


def test_scripts_get_an_object_for_each_frame(capsys: pytest.CaptureFixture[str]) -> None:
    run(frames_display(True))
    captured = capsys.readouterr()
    events = [json.loads(line) for line in captured.out.splitlines()]
    assert captured.err == ""
    assert [event["event"] for event in events if "frames" in event] == ["looking", "painting", "writing"]
    assert sum(event["event"] == "skipped" for event in events) == 100
    assert {"event": "made", "name": "150", "path": "out/150"} in events
    assert {"event": "progress", "name": "150", "evaluation": 20, "max_evaluations": 40, "total": 1.0} in events
    assert {"event": "failed", "name": "199", "code": "INTERNAL", "message": "the worker broke down"} in events


def test_where_nobody_knows_how_many_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with frames_display(False) as screen:
        screen.begin("looking", None)
        screen.reached(1)
        screen.say("3 frames in 1 scene")
    assert capsys.readouterr().err == "3 frames in 1 scene\n"
