"""Write the blocking client, `tfstyle_client/_sync/`, from the asyncio one, `tfstyle_client/_async/`.

    python client/unasync.py [FOLDER]

FOLDER, by default `tfstyle_client/_sync`, gets the files. They are committed; a test compares.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent / "tfstyle_client"
SUBSTITUTIONS = [
    (r"\bawait asyncio\.to_thread\((\w+), ", r"\1("),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"\bimport asyncio\b", "import time"),
    (r"\bAn async context\b", "A context"),
    (r"\bThe asyncio client, from which `client/unasync\.py` generates the blocking one\b", "The blocking client"),
    (r"\bopen_async_channel\b", "open_channel"),
    (r"\bAsync(?=[A-Z])", ""),
    (r"\b_async\b", "_sync"),
    (r"\b__a(?=enter__|exit__|iter__)", "__"),
    (r"\basync (?=def|for|with)", ""),
    (r"\(await ([^()]+(?:\([^()]*\)[^()]*)*)\)(?=\.)", r"\1"),
    (r"\bawait ", ""),
]


def blocking(source: str, name: str) -> str:
    """The blocking form of the asyncio `source` of the file `name`."""
    for pattern, replacement in SUBSTITUTIONS:
        source = re.sub(pattern, replacement, source)
    source = f"# Generated from _async/{name} by client/unasync.py; edit that file instead.\n{source}"
    # Names have become shorter, which changes the order of imports and the length of lines.
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(PACKAGE / "_sync" / name), "-"]
        source = subprocess.run(ruff, input=source, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own arguments
    return source


def main() -> None:
    """Write the files."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE / "_sync"
    for file in sorted((PACKAGE / "_async").glob("*.py")):
        (folder / file.name).write_text(blocking(file.read_text("utf-8"), file.name), "utf-8")


if __name__ == "__main__":
    main()
