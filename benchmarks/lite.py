"""Measure the quality of vgg19-lite: VGG19 judges its pictures and, for comparison, VGG19's own pictures.

    python benchmarks/lite.py --weights VGG19.h5 CONTENT:STYLE... [--size 450] [--out artifacts]

For each pair, runs the default preset on both networks and judges both delivered pictures with VGG19. Prints the
weighted losses of the default preset in the order of the heading, the total and the ratio. Saves contact sheets with
content, style, VGG19's picture and lite's picture.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from contact_sheet import contact_sheet
from tfstyle import Delivered, Engine, Picture, Transfer, content_and_style, decode, encode_png, resolve_options

PARTS = ("content", "neighbours", "style", "tv")
"""Losses of the default preset. A delivered picture has no colours outside the gamut."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True)
    parser.add_argument("pairs", nargs="+", help="CONTENT:STYLE, two picture files")
    parser.add_argument("--size", type=int, default=450, help="longer side (default %(default)s)")
    parser.add_argument("--steps", type=int, default=100, help="evaluations (default %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("artifacts"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)

    engine = Engine(arguments.weights)
    ratios = []
    print(" / ".join(PARTS))
    print(f"{'pair':32} {'VGG19 on its own picture':36} {'VGG19 on lite picture':36} ratio")
    for pair in arguments.pairs:
        paths = [Path(path) for path in pair.split(":")]
        pictures = [decode(path.read_bytes(), path.stem) for path in paths]
        name = "-".join(path.stem for path in paths)

        def prepare(network: str, pictures: list[Picture] = pictures) -> Transfer:
            options = {"network": network, "size": arguments.size, "steps": arguments.steps}
            return engine.prepare(content_and_style(*pictures), resolve_options("default", options))

        judge = prepare("vgg19")
        totals, shown = [], []
        for network in ("vgg19", "vgg19-lite"):
            delivered = deliver(prepare(network))
            verdict = judge.judge(delivered.picture)
            totals.append(verdict.total)
            values = [verdict.parts[part].weighted for part in PARTS]
            shown.append(" / ".join(f"{value:.2f}" for value in values) + f" = {verdict.total:.2f}")
            paths.append(arguments.out / f"{name}-{network}.png")
            paths[-1].write_bytes(encode_png(delivered.picture))
        ratios.append(totals[1] / totals[0])
        print(f"{name:32} {shown[0]:36} {shown[1]:36} {ratios[-1]:.2f}", flush=True)
        contact_sheet(paths, 300).save(arguments.out / f"{name}-sheet.png")
    print(f"median ratio {statistics.median(ratios):.2f}, worst {max(ratios):.2f}")


def deliver(transfer: Transfer) -> Delivered:
    for _ in transfer.iterates():
        pass
    return transfer.deliver()


if __name__ == "__main__":
    main()
