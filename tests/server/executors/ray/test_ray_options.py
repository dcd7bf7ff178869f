"""What the flags for a Ray cluster accept; no Ray is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tfstyle_server.executors.ray import options
from tfstyle_server.executors.ray.options import RayOptionError, RayOptions, check, parse_actors, parse_resources


@pytest.mark.parametrize(("text", "wanted"), [("4", (4, 4)), ("1:16", (1, 16)), ("0:1", (0, 1))])
def test_actors_are_a_number_or_a_range(text: str, wanted: tuple[int, int]) -> None:
    assert parse_actors(text) == wanted


@pytest.mark.parametrize("text", ["", "0", "3:2", "1:", "-1", "1:2:3", "many", "0:0", "999999"])
def test_what_is_no_number_of_actors_is_refused(text: str) -> None:
    with pytest.raises(RayOptionError, match="ray-actors: must be a number, or least:most"):
        parse_actors(text)


def test_resources_are_passed_on_and_those_with_an_option_refused() -> None:
    assert parse_resources(("painter=1", "fast.disk=0.5")) == {"painter": 1.0, "fast.disk": 0.5}
    for text in ("painter", "painter=", "=1", "painter=0", "painter=-1", "painter=many"):
        with pytest.raises(RayOptionError, match="ray-resources: must be name=amount"):
            parse_resources((text,))
    with pytest.raises(RayOptionError, match="GPU has an option of its own, --ray-gpus"):
        parse_resources(("GPU=1",))


def test_what_ray_would_refuse_later_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RayOptionError, match=r"ray-address: Ray Client \(ray://\) cannot stream"):
        check(RayOptions("ray://head:10001"))
    for address in ("head", "head:", ":6379", "http://head:1", "a b:1"):
        with pytest.raises(RayOptionError, match="ray-address: must be host:port such as head:6379, or auto"):
            check(RayOptions(address))
    check(RayOptions("[::1]:6379"))
    with pytest.raises(RayOptionError, match="ray-gpus: above 1 only whole numbers"):
        check(RayOptions(gpus=1.5))
    with pytest.raises(RayOptionError, match="ray-cpus: above 1 only whole numbers"):
        check(RayOptions(cpus=float("inf")))
    monkeypatch.setattr(options.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(RayOptionError, match=r"executor: Ray is not installed; pip install 'tfstyle\[ray\]'"):
        check(RayOptions())


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--ray-actors", "2:1"), "ray-actors: must be a number, or least:most such as 0:8; got '2:1'"),
        (
            ("--ray-address", "127.0.0.1:1"),
            "ray-address: no Ray cluster can be reached at 127.0.0.1:1: Connection refused",
        ),
        (("--ray-spread", "0"), "ray_spread: must be 1 to 1024; got 0"),
        (("--devices", "cpu"), "devices: are this machine's; with --executor ray give --ray-gpus, --ray-cpus"),
    ],
)
def test_bad_settings_are_one_line_and_an_exit_code(flags: tuple[str, ...], said: str, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tfstyle_server",
        "--data",
        str(tmp_path),
        "--listen",
        "127.0.0.1:0",
        "--executor",
        "ray",
        *flags,
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.splitlines()[-1].startswith(f"tfstyle-server: {said}")
    assert "Traceback" not in ended.stderr
