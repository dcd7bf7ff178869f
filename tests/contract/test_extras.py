"""What the extras install: never two TensorFlows, and the one for processors by the README's commands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from conftest import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
PLATFORMS = {
    "Linux x86-64": {"sys_platform": "linux", "platform_machine": "x86_64"},
    "Linux ARM": {"sys_platform": "linux", "platform_machine": "aarch64"},
    "macOS": {"sys_platform": "darwin", "platform_machine": "arm64"},
}


def required(extra: str, platform: str) -> Iterator[Requirement]:
    """Everything that an extra asks for on a platform, through the extras that it names."""
    for text in EXTRAS[extra]:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate(PLATFORMS[platform]):
            continue
        if requirement.name == "tfstyle":
            for other in requirement.extras:
                yield from required(other, platform)
        else:
            yield requirement


def tensorflow_of(extra: str, platform: str) -> set[str]:
    found = {each for each in required(extra, platform) if each.name in ("tensorflow", "tensorflow-cpu")}
    return {f"{each.name}[{','.join(each.extras)}]" if each.extras else each.name for each in found}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("extra", EXTRAS)
def test_no_extra_brings_two_tensorflows(extra: str, platform: str) -> None:
    assert len(tensorflow_of(extra, platform)) <= 1


def test_the_readmes_commands_are_for_processors() -> None:
    commands = re.findall(r'^    pip install "\.\[([\w,-]+)\]"', (REPOSITORY / "README.md").read_text("utf-8"), re.M)
    assert commands == ["server", "dev"]
    for extra in (*commands, "engine", "bench"):
        assert tensorflow_of(extra, "Linux x86-64") == {"tensorflow-cpu"}
        assert tensorflow_of(extra, "Linux ARM") == tensorflow_of(extra, "macOS") == {"tensorflow"}


def test_what_is_for_gpus_brings_cuda_and_all_else_that_the_others_do() -> None:
    for platform in PLATFORMS:
        for extra in ("server", "engine"):
            assert tensorflow_of(f"{extra}-gpu", platform) == {"tensorflow[and-cuda]"}
            names = [{each.name for each in required(name, platform)} for name in (extra, f"{extra}-gpu")]
            assert names[0] - {"tensorflow-cpu"} == names[1] - {"tensorflow"} or platform != "Linux x86-64"
    for extra in ("front", "pictures", "dashboard"):
        assert tensorflow_of(extra, "Linux x86-64") == set()


def test_python_is_one_that_tensorflow_has_packages_for() -> None:
    """TensorFlow 2.21 has them for Python 3.10 to 3.13."""
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert [minor for minor in range(8, 20) if allowed.contains(f"3.{minor}.1")] == [11, 12, 13]
