"""What help shows: every option once, with its default by preset, in groups; and how soon it is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tfstyle import __version__
from tfstyle.options import RULES
from tfstyle.presets import PRESETS

TFSTYLE = [sys.executable, "-m", "tfstyle_client"]


def output_of(*arguments: str) -> str:
    ended = subprocess.run([*TFSTYLE, *arguments], capture_output=True, text=True, env={**os.environ, "COLUMNS": "500"})
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def options_in(text: str) -> dict[str, list[str]]:
    """{heading: lines of its options} of a help text."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if heading := re.match(r"╭─ (.*?) ─", line):
            found[heading[1]] = []
        elif line.startswith("│"):
            found[list(found)[-1]].append(line.strip("│ "))
    return found


@pytest.fixture(scope="module")
def groups() -> dict[str, list[str]]:
    return options_in(output_of("stylize", "--help"))


def test_options_that_are_used_first_stand_first(groups: dict[str, list[str]]) -> None:
    assert list(groups) == ["Arguments", "Main options", "Pictures", "Output", "Losses", "Optimizer", "Access"]
    flags = [line.split()[0] for line in groups["Main options"]]
    assert flags[:7] == ["--size", "--strength", "--style-scale", "--steps", "--output", "--preset", "--network"]
    headings = {"main": "Main options", "output": "Output", "losses": "Losses", "optimizer": "Optimizer"}
    for name, rule in RULES.items():
        flag = "--" + name.replace("_", "-")
        assert [heading for heading, lines in groups.items() for line in lines if flag in line.split()] == [
            headings[rule.group]
        ]


@pytest.mark.parametrize("name", RULES)
def test_every_default_is_shown_by_preset(groups: dict[str, list[str]], name: str) -> None:
    values = {preset: RULES[name].text(getattr(options, name)) for preset, options in PRESETS.items()}
    own = "".join(f"; {preset}: {value}" for preset, value in values.items() if value != values["default"])
    (line,) = [line for lines in groups.values() for line in lines if "--" + name.replace("_", "-") in line.split()]
    assert line.endswith(f"({RULES[name].accepts()}) [default: {values['default']}{own}]")


def test_flags_take_no_value_and_numbers_are_plain(groups: dict[str, list[str]]) -> None:
    lines = [line for group in groups.values() for line in group]
    for flag in ("--json", "--tls", "--detach"):
        (line,) = [line for line in lines if line.startswith(flag + " ")]
        assert re.match(rf"{flag}  +[a-z]", line), "the description follows, and no kind of value"
        assert "--no-" not in line
    text = "\n".join(lines)
    assert "e+" not in text
    assert "<bool>" not in text.lower()


@pytest.mark.parametrize(
    "command",
    [
        "stylize",
        "demo",
        "compare",
        "batch",
        "estimate",
        "networks",
        "jobs",
        "watch",
        "result",
        "cancel",
        "delete",
        "token",
        "serve",
    ],
)
def test_every_command_has_help_and_is_listed(command: str) -> None:
    assert re.search(rf"│ {command} ", output_of("--help"))
    assert "Usage: tfstyle " in output_of(command, "--help")


def test_help_of_a_command_agrees_with_the_list() -> None:
    from tfstyle_client.cli.app import COMMANDS, app

    for path, text in COMMANDS.items():
        assert app[path.partition(":")[2]].default_command.__doc__ == text


def test_version() -> None:
    assert output_of("--version") == f"{__version__}\n"


def test_completion_is_offered() -> None:
    assert "--install-completion" in output_of("--help")
    from tfstyle_client.cli import app

    script = app.generate_completion(shell="bash")
    for word in ("--style-weight", "cascade", "strong", "vgg19-lite", "average"):
        assert word in script


def test_help_of_the_program_needs_no_grpc() -> None:
    code = "import sys\nfrom tfstyle_client.cli import run\nassert run(['--help']) == 0\n"
    code += "assert not {'grpc', 'PIL', 'google.protobuf'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_help_lists_every_exit_code() -> None:
    from tfstyle_client import exit_codes

    codes = {value for value in vars(exit_codes).values() if isinstance(value, int)}
    listed = output_of("--help").partition("Exit codes: ")[2]
    assert {int(code) for code in re.findall(r"\b\d+\b", listed)} == codes


def test_no_arguments_show_the_help_and_are_an_error() -> None:
    ended = subprocess.run(TFSTYLE, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stdout.startswith("Usage: tfstyle COMMAND")


def test_exit_codes_of_the_readme_are_those_of_the_program() -> None:
    from tfstyle_client import exit_codes

    table = re.findall(r"^\| (\d+) \|", (Path(__file__).parents[2] / "README.md").read_text(), re.M)
    codes = {value for value in vars(exit_codes).values() if isinstance(value, int)}
    assert {int(code) for code in table} == codes
