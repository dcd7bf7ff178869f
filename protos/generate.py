"""Generate the Python stubs from the protobuf files.

    python protos/generate.py [TARGET]

writes tfstyle/v1/*_pb2.py, *_pb2.pyi and *_pb2_grpc.py below TARGET (default: the repository).
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
    arguments = [
        "protoc",
        f"--proto_path={HERE}",
        f"--proto_path={files('grpc_tools') / '_proto'}",
        f"--proto_path={Path(status_pb2.__file__).parents[2]}",
        f"--python_out={target}",
        f"--pyi_out={target}",
        f"--grpc_python_out={target}",
        *(str(path) for path in sorted(HERE.rglob("*.proto"))),
    ]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc reported an error in the protobuf files")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent)
