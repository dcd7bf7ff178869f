"""What Ray prints in the driver, as the operator reads it."""

from __future__ import annotations

import io
import json

from tfstyle_server.executors.ray.log_lines import ActorLines

ACTOR = "\x1b[36m(StyleActor pid=12, ip=10.0.0.3)\x1b[0m "


def written(log_format: str, *pieces: str) -> list[str]:
    file = io.StringIO()
    lines = ActorLines(file, log_format)
    for piece in pieces:
        lines.write(piece)
    return file.getvalue().splitlines()


def test_lines_of_actors_stay_without_colours_and_whole() -> None:
    said = written("text", f"{ACTOR}job a: resu", "med\n", f"{ACTOR}I0000 00:00:1.2 port.cc:1] oneDNN is on\n")
    assert said == ["(StyleActor pid=12, ip=10.0.0.3) job a: resumed"]


def test_json_lines_of_actors_say_which_one_it_was() -> None:
    first, second = written("json", f'{ACTOR}{{"level": "INFO", "message": "a"}}\n{ACTOR}Segmentation fault\n')
    assert json.loads(first) == {"level": "INFO", "message": "a", "actor": "pid=12, ip=10.0.0.3"}
    assert json.loads(second) == {"message": "Segmentation fault", "actor": "pid=12, ip=10.0.0.3"}


def test_the_state_that_ray_appends_is_left_out_and_tracebacks_of_ours_are_not() -> None:
    raylet = "\x1b[33m(raylet)\x1b[0m Raylet is terminated." + "x" * 400
    said = written("text", f"{raylet}\n    [state-dump] NodeManager\n\n\tmore\n", "Traceback:\n  File a\n")
    assert said == [("(raylet) Raylet is terminated." + "x" * 400)[:300], "Traceback:", "  File a"]
