"""From the command to the picture: when `tfstyle demo` reaches which point, its private server included.

    python benchmarks/cold.py [--size 512] [--rounds 3]

Runs the command as a user does and times the lines of its --json output. After the first round the
files of TensorFlow are in the system's cache; the first is as cold as the machine is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

POINTS = {
    "accepted": "server up, request accepted",
    "started": "TensorFlow imported, pictures decoded, targets computed",
    "first": "first evaluation: traced and compiled",
    "last": "last evaluation",
    "written": "picture written",
    "end": "command ended",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="longer side (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    rounds = [one_round(arguments.size) for _ in range(arguments.rounds)]
    print(f"seconds from the command, rounds 1 to {arguments.rounds}")
    for point, meaning in POINTS.items():
        print(f"{meaning:58}" + "".join(f"{times[point]:8.1f}" for times in rounds))


def one_round(size: int) -> dict[str, float]:
    """Seconds from the start of the command to each of `POINTS`."""
    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "demo.png"
        command = [sys.executable, "-m", "tfstyle_client", "demo", "--size", str(size), "--json", "-o", str(output)]
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own module
            for line in process.stdout or ():
                now = time.perf_counter() - began
                event = json.loads(line)["event"]
                if event == "progress":
                    times.setdefault("first", now)
                    times["last"] = now
                else:
                    times.setdefault(event, now)
        times["end"] = time.perf_counter() - began
        if process.returncode:
            sys.exit("the demo failed")
    return times


if __name__ == "__main__":
    main()
