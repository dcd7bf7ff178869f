"""How much a painted film flickers: each frame for itself, each following those before it, and in a second pass back.

    python benchmarks/flicker.py layers OUT [--frames 10] [--size 160] [--preset fast] [--network vgg19-lite]
    python benchmarks/flicker.py CLIP.mp4 OUT

prints a table, and writes a sheet of frames and a flicker picture into the folder OUT. `layers` is the film of
`moving_layers.py` with noise as of a camera, whose motion is known exactly; of a clip, the motion is measured.

The warping error is the mean over all frames t of sum M (V_t - warp V_t+1)^2 / sum M, where M is 1 where both frames
show the same thing, and samples are from 0 to 1 (Lai et al. 2018, arXiv 1808.00449).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moving_layers import MovingLayers
from tfstyle import Engine, Picture, decode, resolve_options
from tfstyle.inputs import Inputs, Style, Temporal
from tfstyle.iterate import Delivered
from tfstyle_client.video.extra import FRAME_STEPS
from tfstyle_client.video.flow import Map, Motion, long_term, motion, recoloured, start_picture, warp

PAINTING = Path(__file__).parents[1] / "client" / "tfstyle_client" / "demo" / "painting.jpg"
NOISE = 3.0
"""Standard deviation of the noise of the synthetic film, of 255."""
Frame = NDArray[np.uint8]
Samples = NDArray[np.float32]
"""RGB [h, w, 3] from 0 to 1."""


@dataclass(frozen=True)
class Film:
    """Frames, and the motion from each frame to the next one, as it is measured or known."""

    frames: list[Frame]
    truth: list[Motion]

    def warping_error(self, video: Sequence[Samples]) -> float:
        """The warping error of a film in which everything is where it is in this one."""
        errors = []
        for (frame, following), known in zip(pairwise(video), self.truth, strict=True):
            squares = ((frame - warp(following, known.flow)) ** 2).mean(2)
            errors.append(float((known.weights * squares).sum() / known.weights.sum()))
        return statistics.fmean(errors)


def synthetic(count: int, width: int) -> Film:
    """The film of layers."""
    film, random = MovingLayers(width, round(width * 9 / 16)), np.random.default_rng(0)
    clean = [film.frame(number) for number in range(count)]
    frames = [np.clip(np.rint(each + random.normal(0, NOISE, each.shape)), 0, 255).astype(np.uint8) for each in clean]
    truth = [
        Motion(film.flow(number, number + 1), film.visible(number, number + 1).astype(np.float32))
        for number in range(count - 1)
    ]
    return Film(frames, truth)


def clip(path: Path, first: int, count: int, width: int) -> Film:
    """Some frames of a file."""
    frames: list[Frame] = []
    with av.open(path) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number >= first + count:
                break
            if number >= first:
                pixels = frame.to_ndarray(format="rgb24")
                height = round(width * pixels.shape[0] / pixels.shape[1])
                frames.append(np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8))
    return Film(frames, [motion(frame, following) for frame, following in pairwise(frames)])


@dataclass(frozen=True)
class Painter:
    """Paints frames of `width` pixels in the style of a picture."""

    engine: Engine
    style: Picture
    preset: str
    options: dict[str, Any]
    width: int

    def alone(self, frame: Frame) -> Delivered:
        """A frame for itself, over all scales."""
        return self._paint(Inputs(Picture(frame), (Style(self.style),)), {})

    def following(
        self,
        frame: Frame,
        earlier: Sequence[tuple[Picture, Motion]],
        below: Picture | None,
        steps: int,
        weight: float,
    ) -> Delivered:
        """A frame that follows `earlier` painted ones, the nearest first, whose motions lead back from the frame.

        What these do not show starts from the picture `below`, or from the frame itself.
        """
        moved = [warp(picture.pixels, found.flow) for picture, found in earlier]
        weights = [found.weights for _, found in earlier]
        if below is None:
            samples = frame.astype(moved[0].dtype) * (257 if moved[0].itemsize == 2 else 1)
            start = recoloured(samples, moved[0], weights[0])
        else:
            start = below.pixels
        start = start_picture(list(zip(moved, weights, strict=True)), start)
        temporal = tuple(
            Temporal(Picture(pixels), weights=_grey(own))
            for pixels, own in zip(moved, long_term(weights) if weights else [], strict=True)
            if own.any()
        )
        if below is not None and not temporal:
            temporal = (Temporal(Picture(start)),)
        inputs = Inputs(Picture(frame), (Style(self.style),), start_picture=Picture(start), temporal=temporal)
        return self._paint(
            inputs, {"coarsest_scale": "none", "scales": (), "max_evaluations": steps, "temporal_weight": weight}
        )

    def _paint(self, inputs: Inputs[Picture], options: dict[str, Any]) -> Delivered:
        given = {**self.options, "size": self.width, **options}
        transfer = self.engine.prepare(inputs, resolve_options(self.preset, given))
        for _ in transfer.iterates():
            pass
        return transfer.deliver()


def _grey(weights: Map) -> Picture:
    return Picture(np.repeat(np.rint(weights * 255).astype(np.uint8)[..., None], 3, 2))


def chain(
    painter: Painter, film: Film, first: Delivered, offsets: Sequence[int], steps: int, weight: float
) -> Iterator[Delivered]:
    """The film's frames, each following those `offsets` before it."""
    painted = [first]
    yield first
    for number, frame in enumerate(film.frames[1:], 1):
        reached = [offset for offset in offsets if offset <= number]
        earlier = [
            (painted[number - offset].picture, motion(frame, film.frames[number - offset])) for offset in reached
        ]
        painted.append(painter.following(frame, earlier, None, steps, weight))
        yield painted[-1]


def back(
    painter: Painter, film: Film, before: Sequence[Delivered], offsets: Sequence[int], steps: int, weight: float
) -> Iterator[Delivered]:
    """The film's frames from the last to the first, each over its result `before`, following those after it."""
    painted: dict[int, Picture] = {}
    for number, frame in reversed(list(enumerate(film.frames))):
        later = [
            (painted[number + offset], motion(frame, film.frames[number + offset]))
            for offset in offsets
            if number + offset in painted
        ]
        found = painter.following(frame, later, before[number].picture, steps, weight)
        painted[number] = found.picture
        yield found


def style_of(delivered: Delivered) -> float:
    """The part of the loss that is the style's."""
    return sum(part.weighted for name, part in delivered.losses.items() if name in ("style", "neighbours"))


def unit(delivered: Delivered) -> Samples:
    """The samples of a result."""
    picture = delivered.picture
    samples: Samples = picture.pixels.astype(np.float32) / np.float32(picture.full_scale)
    return samples


def timed(results: Iterator[Delivered]) -> tuple[list[Delivered], float]:
    """The results, and the median seconds of those after the first."""
    found, seconds = [], []
    began = time.perf_counter()
    for each in results:
        found.append(each)
        seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
    return found, statistics.median(seconds[1:])


def flicker_picture(videos: Sequence[Sequence[Samples]]) -> Frame:
    """The middle column of every frame, side by side in time, 4 pixels wide; the videos one below the other."""
    rows = [np.hstack([np.repeat(each[:, each.shape[1] // 2, None], 4, 1) for each in video]) for video in videos]
    return np.rint(255 * np.vstack(rows)).astype(np.uint8)


def main() -> None:
    """Paint, measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("film")
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--first", type=int, default=20)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--network", default="vgg19-lite")
    parser.add_argument("--weights", help="VGG19's weights")
    parser.add_argument("--steps", type=int, default=FRAME_STEPS)
    parser.add_argument("--temporal", type=float, nargs="*", help="weights of the term; default: the preset's")
    parser.add_argument("--depth", type=int, default=16)
    given = parser.parse_args()
    weights = given.temporal or [resolve_options(given.preset).temporal_weight]
    given.out.mkdir(parents=True, exist_ok=True)
    if given.film == "layers":
        film = synthetic(given.frames, given.size)
    else:
        film = clip(Path(given.film), given.first, given.frames, given.size)
    options = {"network": given.network, "depth": given.depth}
    style = decode(PAINTING.read_bytes(), "style")
    painter = Painter(Engine(given.weights), style, given.preset, options, given.size)
    source = [np.float32(frame) / 255 for frame in film.frames]
    own = film.warping_error(source)
    print(f"{len(film.frames)} frames of {source[0].shape[1]} x {source[0].shape[0]}, preset {given.preset}")
    print(f"{'':28} warping error  of source's  of alone's  style loss  of alone's  seconds a frame")
    print(f"{'source':28} {own:13.6f}", flush=True)
    alone, seconds = timed(painter.alone(frame) for frame in film.frames)
    videos = {"alone": [unit(each) for each in alone]}
    alone_error = film.warping_error(videos["alone"])
    alone_style = statistics.fmean(style_of(each) for each in alone[1:])
    row = "{:28} {:13.6f} {:11.2f} {:11.3f} {:11.3f} {:11.3f} {:16.2f}"
    print(row.format("each frame alone", alone_error, alone_error / own, 1, alone_style, 1, seconds), flush=True)

    def told(name: str, found: Sequence[Delivered], seconds: float) -> None:
        videos[name] = [unit(each) for each in found]
        error = film.warping_error(videos[name])
        loss = statistics.fmean(style_of(each) for each in found[1:])
        print(row.format(name, error, error / own, error / alone_error, loss, loss / alone_style, seconds), flush=True)
        last = [style_of(each[-1]) for each in (found, alone)]
        print(f"{'':28} style loss of the last frame: {last[0] / last[1]:.3f} of alone's", flush=True)

    for weight in weights:
        for offsets in ((1,), (1, 2, 4)):
            found, seconds = timed(chain(painter, film, alone[0], offsets, given.steps, weight))
            name = f"weight {weight:g}, offsets {','.join(map(str, offsets))}"
            told(name, found, seconds)
        again, seconds = timed(back(painter, film, found, offsets, given.steps, weight))
        told("the last, in a second pass", again[::-1], seconds)
    shown = [source, *videos.values()]
    Image.fromarray(flicker_picture(shown)).save(given.out / "flicker.png")
    some = np.linspace(0, len(source) - 1, 4).round().astype(int)
    sheet = np.vstack([np.hstack([video[index] for index in some]) for video in shown])
    Image.fromarray(np.rint(255 * sheet).astype(np.uint8)).save(given.out / "frames.png")


if __name__ == "__main__":
    main()
