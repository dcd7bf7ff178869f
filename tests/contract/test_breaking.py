"""The contract stays compatible on the wire with that of the previous release.

`former.proto` is the contract of the previous release, without comments. Field names may change, because only numbers
are sent; numbers, types, cardinality, enum values and methods may not.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from google.rpc import status_pb2

from tfstyle.v1 import style_transfer_pb2 as pb

FORMER = Path(__file__).parent / "former.proto"
Field = descriptor_pb2.FieldDescriptorProto


def compiled(source: Path, folder: Path) -> descriptor_pb2.FileDescriptorProto:
    """The descriptor of a proto file. protoc runs in a separate process, because it conflicts with TensorFlow."""
    target = folder / "descriptors"
    google = Path(status_pb2.__file__).parents[2]
    includes = [f"--proto_path={path}" for path in (source.parent, files("grpc_tools") / "_proto", google)]
    command = [sys.executable, "-m", "grpc_tools.protoc", *includes, f"--descriptor_set_out={target}", source.name]
    subprocess.run(command, check=True)
    (file,) = descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes()).file
    return file


def facts(file: descriptor_pb2.FileDescriptorProto) -> dict[str, object]:
    """Everything in the contract that a peer depends on, by a descriptive name."""
    found: dict[str, object] = {}

    def read(message: descriptor_pb2.DescriptorProto, prefix: str) -> None:
        name = f"{prefix}.{message.name}"
        found[f"message {name}"] = True
        for field in message.field:
            oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""
            oneof = "" if field.proto3_optional else oneof
            kind = Field.Type.Name(field.type), Field.Label.Name(field.label), field.type_name, field.proto3_optional
            found[f"field {field.number} of {name}"] = (*kind, oneof)
        for nested in message.nested_type:
            read(nested, name)
        for enum in message.enum_type:
            for value in enum.value:
                found[f"value {value.number} of {name}.{enum.name}"] = value.name

    for message in file.message_type:
        read(message, file.package)
    for service in file.service:
        for method in service.method:
            found[f"method {file.package}.{service.name}.{method.name}"] = (
                *(method.input_type, method.output_type),
                *(method.client_streaming, method.server_streaming),
            )
    return found


def current() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto()
    pb.DESCRIPTOR.CopyToProto(file)
    return file


def broken(former: dict[str, object], now: dict[str, object]) -> list[str]:
    return [f"{what}: {fact} -> {now.get(what)}" for what, fact in former.items() if now.get(what) != fact]


def test_contract_is_compatible_with_the_previous_release(tmp_path: Path) -> None:
    former = facts(compiled(FORMER, tmp_path))
    assert len(former) > 100
    assert broken(former, facts(current())) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "optional string optimiser = 12;",
            "optional string optimiser = 21;",
            "field 12 of tfstyle.v1.TransferOptions",
        ),
        ("optional int32 size = 3;", "optional string size = 3;", "field 3 of tfstyle.v1.TransferOptions"),
        ("optional int32 size = 3;", "repeated int32 size = 3;", "field 3 of tfstyle.v1.TransferOptions"),
        ("STATE_FAILED = 4;", "STATE_FAILED = 6;", "value 4 of tfstyle.v1.Job.State"),
        ("rpc GetJob(GetJobRequest) returns (Job);", "", "method tfstyle.v1.StyleTransfer.GetJob"),
        ("returns (stream JobEvent)", "returns (JobEvent)", "method tfstyle.v1.StyleTransfer.WatchJob"),
    ],
)
def test_breaking_changes_are_detected(old: str, new: str, says: str, tmp_path: Path) -> None:
    source = FORMER.read_text("utf-8")
    assert old in source
    (tmp_path / "changed.proto").write_text(source.replace(old, new), "utf-8")
    former = facts(compiled(FORMER, tmp_path))
    (what, *_) = broken(former, facts(compiled(tmp_path / "changed.proto", tmp_path)))
    assert what.startswith(says)


def test_renamed_fields_keep_their_numbers(tmp_path: Path) -> None:
    former = {
        field.number: field.name
        for m in compiled(FORMER, tmp_path).message_type
        if m.name == "TransferOptions"
        for field in m.field
    }
    now = {field.number: field.name for field in pb.TransferOptions.DESCRIPTOR.fields}
    renamed = {former[number]: now[number] for number in former if former[number] != now[number]}
    assert renamed == {
        "optimiser": "optimizer",
        "steps": "max_evaluations",
        "lite_steps": "lite_evaluations",
        "history": "history_size",
    }
