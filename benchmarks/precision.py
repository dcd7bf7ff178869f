"""Compare bfloat16 with float32: seconds an evaluation, and the losses of the pictures that are delivered.

    python benchmarks/precision.py [--weights VGG19.h5] CONTENT:STYLE... [--size 450] [--style-weights 1e4,2e5]

Both precisions make a picture of each pair with each style weight, at one scale with the reference's losses and
weights, one evaluation at a time in turns. The pictures, in 8 bits, are judged in float32. Without weights the network
is vgg19-lite.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from tfstyle import Engine, content_and_style, decode, resolve_options
from tfstyle.precision import BFLOAT16, FLOAT32

JUDGED = (25, 50, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights")
    parser.add_argument("pairs", nargs="+", help="CONTENT:STYLE, two picture files")
    parser.add_argument("--size", type=int, default=450, help="longer side (default %(default)s)")
    parser.add_argument("--style-weights", default="1e4,2e5")
    arguments = parser.parse_args()
    engine = Engine(arguments.weights)
    network = "vgg19" if arguments.weights else "vgg19-lite"
    print(f"{'pair, style weight':46} {'evaluation':>10} {'float32':>9} {'bfloat16':>9} {'ratio':>7}")
    for pair in arguments.pairs:
        paths = [Path(path) for path in pair.split(":")]
        inputs = content_and_style(*(decode(path.read_bytes(), path.stem) for path in paths))
        for style_weight in map(float, arguments.style_weights.split(",")):
            options = {"network": network, "optimizer": "lbfgs", "pyramid_levels": 7, "gamut_weight": 1000.0}
            options |= {"steps": JUDGED[-1], "size": arguments.size, "style_weight": style_weight}
            runs = [
                engine.prepare(inputs, resolve_options("reference", {**options, "precision": each}))
                for each in (FLOAT32, BFLOAT16)
            ]
            seconds: tuple[list[float], list[float]] = ([], [])
            label = f"{paths[0].stem} x {paths[1].stem}, {style_weight:g}"
            loops = [run.iterates() for run in runs]
            for evaluation in range(1, JUDGED[-1] + 1):
                pictures = []
                for loop, taken in zip(loops, seconds, strict=True):
                    began = time.perf_counter()
                    iterate = next(loop)
                    taken.append(time.perf_counter() - began)
                    pictures.append(iterate.picture)
                if evaluation in JUDGED:
                    line(label, str(evaluation), *(runs[0].judge(picture()).total for picture in pictures))
            line(label, "s", *map(statistics.median, seconds))


def line(label: str, where: str, exact: float, found: float) -> None:
    """Print one row with the ratio of bfloat16 to float32."""
    print(f"{label:46} {where:>10} {exact:9.3f} {found:9.3f} {found / exact:7.3f}", flush=True)


if __name__ == "__main__":
    main()
