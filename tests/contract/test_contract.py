"""The committed contract, its generated stubs and the list of options agree."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tfstyle.options import KINDS, RULES, ProgressOptions, TransferOptions
from tfstyle.presets import PRESETS, resolve_options
from tfstyle.rules import LayersRule, LayerWeightsRule, Rule, ScalesRule
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_from_proto, options_to_proto
from tfstyle_client import cli

REPOSITORY = Path(__file__).parents[2]
PROTO = REPOSITORY / "protos" / "tfstyle" / "v1" / "style_transfer.proto"


def documented_fields(message: str) -> dict[str, tuple[str, str]]:
    """{field: (declared type, comment)} of a message in the proto's source."""
    body = re.search(rf"^message {message} \{{(.*?)^\}}", PROTO.read_text("utf-8"), re.S | re.M)
    assert body
    found = {}
    for comment, kind, name in re.findall(r"((?:  //[^\n]*\n)+)  (?:optional )?(\w+) (\w+) = \d+;", body[1]):
        found[name] = kind, " ".join(line.strip().removeprefix("//").strip() for line in comment.splitlines())
    return found


LISTS = {LayersRule: "Layers", LayerWeightsRule: "LayerWeights", ScalesRule: "Scales"}
"""{rule: the message of its lists}."""


def written(rule: Rule, value: object) -> str:
    """A value as the proto's comments show it: lists with a space after each comma."""
    return rule.text(value).replace(",", ", ")


def test_committed_stubs_match_the_contract(tmp_path: Path) -> None:
    # In a separate process, because the C++ libraries of protoc and TensorFlow conflict.
    subprocess.run([sys.executable, str(REPOSITORY / "protos" / "generate.py"), str(tmp_path)], check=True)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*_pb2*"))
    assert len(made) == 5
    for path in made:
        assert (REPOSITORY / path).read_text() == (tmp_path / path).read_text(), f"run protos/generate.py: {path}"


@pytest.mark.parametrize(
    ("message", "options"), [("TransferOptions", TransferOptions), ("ProgressOptions", ProgressOptions)]
)
def test_proto_documents_every_option_with_its_default_and_range(message: str, options: type) -> None:
    fields = documented_fields(message)
    declared = {f.name: f for f in options.__dataclass_fields__.values()}
    assert list(fields) == list(declared)
    for name, (kind, comment) in fields.items():
        default, rule = declared[name].default, declared[name].metadata["rule"]
        assert kind == {int: "int32", float: "double", str: "string", tuple: LISTS.get(type(rule))}[type(default)]
        assert f"Default: {written(rule, default)}." in comment
        assert f"Range: {rule.accepts()}." in comment


@pytest.mark.parametrize("preset", PRESETS)
def test_proto_documents_where_a_preset_differs(preset: str) -> None:
    for name, (_, comment) in documented_fields("TransferOptions").items():
        own = getattr(PRESETS[preset], name)
        differs = own != getattr(PRESETS["default"], name)
        assert (f"Preset {preset}: {written(RULES[name], own)}." in comment) == differs, name


def test_command_line_offers_every_option_with_its_defaults() -> None:
    offered = {name: each for each in cli.app["stylize"].assemble_argument_collection() for name in each.names}
    for name, rule in RULES.items():
        argument = offered["--" + name.replace("_", "-")]
        assert not rule.alias or offered["--" + rule.alias] is argument
        assert argument.field_info.default is None, "the default comes from the preset"
        assert rule.accepts() in argument.parameter.help
        defaults = {preset: getattr(options, name) for preset, options in PRESETS.items()}
        for preset, value in defaults.items():
            text = rule.text(value)
            own = text if preset == "default" else f"{preset}: {text}"
            assert (own in argument.parameter.show_default) == (preset == "default" or value != defaults["default"])


@pytest.mark.parametrize("preset", PRESETS)
def test_options_survive_serialisation(preset: str) -> None:
    options = PRESETS[preset]
    values = {name: getattr(options, name) for name in KINDS}
    received = pb.TransferOptions.FromString(options_to_proto(values).SerializeToString())
    assert resolve_options("default", options_from_proto(received)) == options


def test_lists_survive_serialisation() -> None:
    given = {"scales": ((64, 10), (100, 5)), "style_layer_weights": (5.0, 4.0, 3.0, 2.0, 1.0), "max_evaluations": 40}
    received = pb.TransferOptions.FromString(options_to_proto(given).SerializeToString())
    assert options_from_proto(received) == given


def test_unset_options_stay_unset() -> None:
    assert options_from_proto(options_to_proto({"size": None, "tv_weight": 0.0})) == {"tv_weight": 0.0}


def test_importing_the_client_does_not_need_the_engine() -> None:
    block = "import sys\nfor name in ('tensorflow','keras','numpy','PIL','grpc_health'): sys.modules[name] = None\n"
    code = block + "import tfstyle, tfstyle_client, tfstyle_client.cli"
    subprocess.run([sys.executable, "-c", code], check=True)
