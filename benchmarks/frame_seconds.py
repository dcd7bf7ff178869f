"""Time of a film's frame after the first: its motions, and its painting.

    python benchmarks/frame_seconds.py [--network vgg19 --weights FILE] [--size 640] [--steps 8] [--frames 7]

The first such frame, which traces, is not counted. Processor seconds are those of all threads of this process; on two
cores that do nothing else, the time is at least half of them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from flicker import PAINTING, Painter, synthetic
from tfstyle import Engine, Picture, decode, resolve_options
from tfstyle_client.video.ahead import motions
from tfstyle_client.video.extra import FRAME_STEPS

Result = TypeVar("Result")


def timed(call: Callable[[], Result]) -> tuple[Result, float, float]:
    """The result, seconds, and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    result = call()
    return result, time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Paint some frames and print the medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--preset", default="default")
    parser.add_argument("--network", default="vgg19-lite")
    parser.add_argument("--weights", help="VGG19's weights")
    parser.add_argument("--size", type=int, default=640)
    parser.add_argument("--steps", type=int, default=FRAME_STEPS)
    parser.add_argument("--frames", type=int, default=7)
    given = parser.parse_args()
    frames = synthetic(given.frames + 1, given.size).frames
    style = decode(PAINTING.read_bytes(), "style")
    painter = Painter(Engine(given.weights), style, given.preset, {"network": given.network, "depth": 16}, given.size)
    weight = resolve_options(given.preset).temporal_weight
    earlier = Picture(frames[0].astype(np.uint16) * 257)
    rows = []
    for number, frame in enumerate(frames[1:], 1):
        found, *flow = timed(lambda frame=frame, before=frames[:number][::-1]: motions(frame, before))
        delivered, *painting = timed(
            lambda frame=frame, earlier=earlier, found=found: painter.following(
                frame, [(earlier, found[1])], None, given.steps, weight
            )
        )
        earlier = delivered.picture
        rows.append((*flow, *painting))
    flow_wall, flow_processor, wall, processor = (statistics.median(each) for each in zip(*rows[1:], strict=True))
    height, width, _ = frames[0].shape
    print(f"{width} x {height}, {given.network}, preset {given.preset}, {given.steps} evaluations")
    print(f"medians of {len(rows) - 1} frames:")
    print(f"motions {flow_wall:.2f} s ({flow_processor:.2f} s of processors)")
    print(f"painting {wall:.2f} s ({processor:.2f} s of processors)")


if __name__ == "__main__":
    main()
