"""Log lines: as JSON, and not more of them than a disk holds."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from tfstyle_server.logs import FIELDS, JsonFormatter, Sparing


def formatted(message: str, *values: object, exception: bool = False, **fields: object) -> dict[str, object]:
    error = None
    if exception:
        try:
            raise ValueError("inner\nline")
        except ValueError:
            error = sys.exc_info()
    record = logging.LogRecord("tfstyle.front", logging.WARNING, "f.py", 1, message, values, error)
    if fields:
        setattr(record, FIELDS, fields)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    return json.loads(line)


def test_json_line_has_what_a_program_asks_for() -> None:
    line = formatted("job %s: done\nafter %d s", "é", 3, seconds=3.5, owner=None)
    assert line.pop("time")
    assert line == {
        "level": "WARNING",
        "logger": "tfstyle.front",
        "message": "job é: done\nafter 3 s",
        "seconds": 3.5,
        "owner": None,
    }
    assert "ValueError: inner" in str(formatted("failed", exception=True)["exception"])


def test_each_source_has_so_many_lines_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("tfstyle_server.logs.time.monotonic", lambda: now[0])
    sparing = Sparing(lines=3, most=10, seconds=60.0)
    assert [sparing.note("a") for _ in range(5)] == ["", "", "", None, None]
    assert sparing.note("b") == ""
    now[0] = 170.0
    assert sparing.note("b") == " (2 more lines like this were not written)"
    assert sparing.note("a") == ""


def test_many_sources_have_so_many_lines_together() -> None:
    sparing = Sparing(lines=3, most=10, sources=5)
    notes = [sparing.note(str(number)) for number in range(1000)]
    assert notes == [""] * 10 + [None] * 990
    assert len(sparing._asked) == 5
