"""Whether a plain transfer takes as long in one checkout of tfstyle as in another, and gives the same picture.

    python benchmarks/releases.py FORMER NEW [--size 384] [--evaluations 40] [--rounds 5] [--precision float32]

FORMER and NEW are folders with a checkout each (`git worktree add FORMER COMMIT`). Processes of both take turns; each
repaints the demo's photo on vgg19-lite twice, and the second run counts, in which nothing is traced any more. The table
has medians, the ratio of each round's two times, and says whether the pictures are equal to the bit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

RUN = """
import hashlib, json, sys
from pathlib import Path
from tfstyle import Engine, content_and_style
from tfstyle.images import decode
from tfstyle.presets import resolve_options

demo, size, evaluations, precision = Path(sys.argv[1]), *map(int, sys.argv[2:4]), sys.argv[4]
photo, oils = (decode((demo / name).read_bytes(), name) for name in ("landscape.jpg", "painting.jpg"))
options = resolve_options(
    "default", {"network": "vgg19-lite", "size": size, "max_evaluations": evaluations, "precision": precision}
)
engine = Engine()
for _ in range(2):
    transfer = engine.prepare(content_and_style(photo, oils), options)
    for _ in transfer.iterates():
        pass
picture = transfer.deliver().picture
print(json.dumps([transfer.seconds, hashlib.sha256(picture.pixels.tobytes()).hexdigest()]))
"""
DEMO = Path(__file__).parents[1] / "client" / "tfstyle_client" / "demo"


def run(checkout: Path, arguments: argparse.Namespace) -> tuple[float, str]:
    """Seconds of a warm transfer in that checkout, and the digest of its picture."""
    command = [sys.executable, "-c", RUN, DEMO, arguments.size, arguments.evaluations, arguments.precision]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "TF_CPP_MIN_LOG_LEVEL": "3"}
    ended = subprocess.run(list(map(str, command)), env=environment, stdout=subprocess.PIPE, check=True, cwd=checkout)
    seconds, digest = json.loads(ended.stdout)
    return float(seconds), str(digest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("former", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--evaluations", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {"former": [], "new": []}
    digests = set()
    for round_ in range(arguments.rounds):
        # Each is first in every other round.
        for name in sorted(seconds, reverse=bool(round_ % 2)):
            took, digest = run(getattr(arguments, name).resolve(), arguments)
            seconds[name].append(took)
            digests.add(digest)
    ratios = [new / former for former, new in zip(seconds["former"], seconds["new"], strict=True)]
    print(f"{'':8}{'median s':>10}{'least s':>10}")
    for name, taken in seconds.items():
        print(f"{name:8}{statistics.median(taken):10.3f}{min(taken):10.3f}")
    print(f"new / former: median {statistics.median(ratios):.3f}, from {min(ratios):.3f} to {max(ratios):.3f}")
    print(f"pictures: {'equal to the bit' if len(digests) == 1 else 'different'}")


if __name__ == "__main__":
    main()
