"""Generate the Python stubs from the protobuf files.

    python protos/generate.py [TARGET]

writes tfstyle/v1/*_pb2.py and *_pb2.pyi below TARGET (default: the repository), and *_pb2_grpc.py for services.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from google.rpc import status_pb2
from grpc_tools import protoc

HERE = Path(__file__).parent


def generate(target: Path) -> None:
    """Write the stubs below `target`. Raises `RuntimeError` if protoc reports an error."""
    files_of_all = sorted(HERE.rglob("*.proto"))
    _run(target, ["python", "pyi"], files_of_all)
    _run(target, ["grpc_python"], [path for path in files_of_all if "\nservice " in path.read_text("utf-8")])


def _run(target: Path, plugins: list[str], protos: list[Path]) -> None:
    arguments = [
        "protoc",
        f"--proto_path={HERE}",
        f"--proto_path={files('grpc_tools') / '_proto'}",
        f"--proto_path={Path(status_pb2.__file__).parents[2]}",
        *(f"--{plugin}_out={target}" for plugin in plugins),
        *map(str, protos),
    ]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc reported an error in the protobuf files")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent)
