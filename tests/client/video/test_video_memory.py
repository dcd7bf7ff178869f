"""Memory does not grow with the number of frames, in looking at them, in preparing and painting, and in writing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REPOSITORY
from film_files import moving, write_film

SIZE = (320, 180)
PAINT = """
import sys, shutil
from pathlib import Path
from tfstyle.inputs import Inputs, Style
from tfstyle_client.journal import open_journal
from tfstyle_client.video.chain import Chains, Manner
from tfstyle_client.video.film import Film
from tfstyle_client.video.frames_display import frames_display
from tfstyle_client.video.plan import looked_through
from tfstyle_client.video.run import write
from tfstyle_client.video.source import Part
from tfstyle_client.video.target import Target

film, target, size = Film(Path(sys.argv[1])), Target(Path(sys.argv[2])), (320, 180)
plan = looked_through(film, Part(), lambda number: None)
manner = Manner(Inputs(b"", (Style(b"painting"),)), "default", {}, 40, int(sys.argv[3]))
with open_journal(target.frames, "output") as journal:
    with Chains(film, plan, size, manner, journal, journal.folder / "ahead", "film") as made:
        for task in (task for chain in made.all() for task in chain):
            order = task.prepare()
            journal.write(task.name, made.identity_of(task.name), order.request.inputs.content.data)
            made.done(task.name)
    write(film, plan, target, None, journal, frames_display(True))
lines = Path("/proc/self/status").read_text().splitlines()
print(plan.count, next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("passes", "many"), [(1, 60), (2, 130)])
def test_memory_is_flat_in_the_number_of_frames(tmp_path: Path, passes: int, many: int) -> None:
    peaks = {}
    for count in (10, many):
        film = write_film(tmp_path / f"{count}.mp4", moving(count, SIZE), 25, sound="aac")
        ended = subprocess.run(
            [sys.executable, "-c", PAINT, str(film), str(tmp_path / f"out{count}.mp4"), str(passes)],
            capture_output=True, text=True, cwd=REPOSITORY, env=os.environ,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        found, kilobytes = map(int, ended.stdout.splitlines()[-1].split())
        assert found == count
        peaks[count] = kilobytes / 1024
    print({count: f"{peak:.0f} MiB" for count, peak in peaks.items()})
    # A frame of 320 x 180 has 0.17 MB, and 2.2 with its motions; 50 of these would be 110, and 120 of the former 21.
    assert peaks[many] - peaks[10] < 15, peaks
