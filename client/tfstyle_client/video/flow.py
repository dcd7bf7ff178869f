"""Optical flow between frames: where each part of a frame was in an earlier one, and where that is not to be trusted.

Frames and pictures are arrays [h, w, 3] of RGB. All functions are pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]
Frame = NDArray[np.uint8]
LEAST_CONSISTENT = 0.3
"""Share of a frame that has to be found in the one before; with less, a new scene begins."""
MOST_COMPARED = 20_000
"""About so many samples of a frame are compared with the painted ones to learn its colours."""
LEAST_COMPARED = 0.05
"""Mean weight of them; with less, there are too few."""
RIDGE = 1e-5
"""Added to the mean squares of a fit, which without it may be exact and wild."""
UNLIKE = 20.0
"""Mean difference of the samples, of 255, with which two places hardly look alike. The noise of a camera is less."""
SURE = 0.8
"""Weight from which a place starts from the moved result alone; with less, the frame itself is mixed in. That of places
that differ by noise alone is larger."""
SMALLEST_SIDE = 16
"""Of a frame, in pixels, below which it is enlarged to find the flow."""


@dataclass(frozen=True)
class Motion:
    """From a frame back to an earlier one: `flow` [h, w, 2] and `weights` [h, w].

    What is at (x, y) in the frame was at (x, y) + flow[y, x] in the earlier one, in pixels, x first. A weight is 0
    where the earlier frame does not show what is there; elsewhere it says how much the two places look alike, 1 at
    most. So what is moved to a wrong place, or has other light on it, is not held.
    """

    flow: Map
    weights: Map


def motion(frame: Frame, earlier: Frame, finest: int = 0) -> Motion:
    """The motion from `earlier` to `frame`, of the same size, as seen from `frame`; `finest` as in `flow_between`."""
    back, visible = tracked(frame, earlier, finest)
    return Motion(back, likeness(frame, warp(earlier, back)) * visible)


def tracked(frame: Frame, earlier: Frame, finest: int = 0) -> tuple[Map, Mask]:
    """The flow [h, w, 2] from `frame` back to `earlier`, and where [h, w] that shows what is there now."""
    back = flow_between(frame, earlier, finest)
    return back, shown(back, flow_between(earlier, frame, finest))


def flow_between(frame: Frame, other: Frame, finest: int = 0) -> Map:
    """The flow [h, w, 2] from `frame` to `other`, by DIS (Kroeger et al. 2016).

    Its finest scale is 1/2^`finest` of the frame. With 1, as OpenCV's preset has it, it takes a quarter of the time and
    has twice the error.
    """
    height, width = frame.shape[:2]
    factor = max(1, SMALLEST_SIDE / min(height, width))
    size = round(width * factor), round(height * factor)
    grey = [cv2.resize(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), size) for each in (frame, other)]
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setFinestScale(finest)
    # More than the preset's, and smoother, which takes a fifth off the error (docs/performance.md).
    dis.setVariationalRefinementIterations(20)
    dis.setVariationalRefinementAlpha(40)
    dis.setVariationalRefinementDelta(10)
    found = dis.calc(grey[0], grey[1], np.zeros((*grey[0].shape, 2), np.float32))
    return resized_flow(np.asarray(found, np.float32), (width, height))


def resized_flow(flow: Map, size: tuple[int, int]) -> Map:
    """The `flow` [h, w, 2] of frames that are scaled to `size` (width, height)."""
    height, width = flow.shape[:2]
    if (width, height) == size:
        return flow
    scales = np.array([size[0] / width, size[1] / height], np.float32)
    return np.asarray(cv2.resize(flow, size), np.float32) * scales


def shown(back: Map, forward: Map) -> Mask:
    """Where [h, w] the earlier frame shows what is there now, from the flow `back` to it and `forward` from it.

    Elsewhere the two flows do not cancel out, by the formula of Ruder et al. 2016 (arXiv 1604.08610), or lead beyond
    the frame.
    """
    there = warp(forward, back)
    visible: Mask = _square(there + back) < 0.01 * (_square(there) + _square(back)) + 0.5
    return visible & inside(back)


def likeness(frame: Frame, moved: Frame) -> Map:
    """How alike [h, w] two frames are at each place: 1 where they are equal, 1/e where they differ by `UNLIKE`."""
    difference = np.abs(frame.astype(np.float32) - moved).mean(axis=2)
    alike: Map = np.exp(-((difference / UNLIKE) ** 2)).astype(np.float32)
    return alike


def inside(flow: Map) -> Mask:
    """Where [h, w] a flow leads to a place within the other frame."""
    x, y = _places(flow)
    within: Mask = (x >= 0) & (y >= 0) & (x <= flow.shape[1] - 1) & (y <= flow.shape[0] - 1)
    return within


def warp(picture: NDArray[Any], flow: Map) -> NDArray[Any]:
    """The earlier `picture` [h, w, c] moved along a `flow` [h, w, 2] back to it, in its own dtype.

    Flows are interpolated linearly; pictures by Lanczos' kernel, because linear interpolation blurs a picture that is
    moved from frame to frame. Beyond its borders a picture goes on with the pixels at them.
    """
    x, y = _places(flow)
    kernel = cv2.INTER_LINEAR if picture.shape[2] == 2 else cv2.INTER_LANCZOS4
    moved = cv2.remap(picture.astype(np.float32), x, y, kernel, borderMode=cv2.BORDER_REPLICATE)
    if np.issubdtype(picture.dtype, np.integer):
        moved = np.clip(np.rint(moved), 0, np.iinfo(picture.dtype).max)
    samples: NDArray[Any] = moved.astype(picture.dtype)
    return samples


def start_picture(earlier: Sequence[tuple[NDArray[Any], Map]], below: NDArray[Any]) -> NDArray[Any]:
    """What a transfer starts from: each place from the nearest of the `earlier` results that shows it.

    These are (the moved result, its weights), the nearest first, with samples of the dtype and range of `below` (any
    picture [h, w, 3]), which is what none of them shows. What looks less than `SURE` alike is a mixture.
    """
    start = below.astype(np.float32)
    for moved, weights in reversed(earlier):
        share = np.minimum(weights / np.float32(SURE), 1)[..., None]
        start = share * moved.astype(np.float32) + (1 - share) * start
    samples: NDArray[Any] = np.rint(start).astype(below.dtype)
    return samples


def recoloured(frame: NDArray[Any], painted: NDArray[Any], weights: Map) -> NDArray[Any]:
    """`frame`, where `weights` are less than `SURE`, in the colours of `painted`, with samples of the same dtype.

    The few evaluations that a frame gets do not suffice to repaint a photo. The colours follow from the frame's own by
    a polynomial of degree 2, fitted where the weights say that the two show the same. Where hardly anything can be
    compared, it is the frame as it is.
    """
    changed = frame.copy()
    full = np.float32(np.iinfo(frame.dtype).max)
    step = max(1, round((weights.size / MOST_COMPARED) ** 0.5))
    own = np.sqrt(weights[::step, ::step].reshape(-1, 1))
    if np.square(own).mean() < LEAST_COMPARED:
        return changed
    colours = _monomials(frame[::step, ::step] / full).reshape(len(own), -1) * own
    wanted = (painted[::step, ::step] / full).reshape(len(own), -1) * own
    ridge = RIDGE * len(own) * np.eye(colours.shape[1])
    factors = np.linalg.solve(colours.T @ colours + ridge, colours.T @ wanted).astype(np.float32)
    uncovered = weights < SURE
    found = np.clip(_monomials(frame[uncovered] / full) @ factors, 0, 1) * full
    changed[uncovered] = np.rint(found).astype(frame.dtype)
    return changed


def _monomials(colours: NDArray[Any]) -> Map:
    """1, r, g, b and their products [..., 10] of `colours` [..., 3]."""
    red, green, blue = np.moveaxis(colours.astype(np.float32), -1, 0)
    products = [red * red, green * green, blue * blue, red * green, red * blue, green * blue]
    return np.stack([np.ones_like(red), red, green, blue, *products], -1)


def long_term(weights: Sequence[Map]) -> list[Map]:
    """The weights of several earlier results, the nearest one first: each place follows the nearest that shows it.

    c_j - sum of the nearer c_k, at least 0 (Ruder et al. 2016).
    """
    nearer = np.zeros_like(weights[0])
    found = []
    for own in weights:
        found.append(np.maximum(own - nearer, 0))
        nearer = nearer + own
    return found


def is_cut(visible: Mask) -> bool:
    """Whether a new scene begins with a frame of which only the `visible` places are `shown` in the one before."""
    return float(visible.mean()) < LEAST_CONSISTENT


def _places(flow: Map) -> tuple[Map, Map]:
    """The places (x, y), each [h, w], to which a flow leads."""
    height, width = flow.shape[:2]
    x = np.arange(width, dtype=np.float32) + flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    return x, y


def _square(vectors: Map) -> Map:
    """The squared length [h, w] of vectors [h, w, 2]."""
    squares: Map = np.sum(vectors**2, axis=2)
    return squares
