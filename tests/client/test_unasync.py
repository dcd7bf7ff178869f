"""The blocking client is what `client/unasync.py` makes of the asyncio one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).parents[2] / "client"


def test_the_generated_files_are_those_that_are_committed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(CLIENT / "unasync.py"), str(tmp_path)], check=True)
    made = {file.name: file.read_text() for file in tmp_path.iterdir()}
    committed = {file.name: file.read_text() for file in (CLIENT / "tfstyle_client" / "_sync").glob("*.py")}
    assert made
    assert committed == made, "run python client/unasync.py"


def test_nothing_asynchronous_is_left() -> None:
    for file in (CLIENT / "tfstyle_client" / "_sync").glob("*.py"):
        code = file.read_text().split("\n", 1)[1]
        assert not any(word in code for word in ("async", "await", "asyncio")), file
