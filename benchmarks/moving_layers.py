"""A film whose motion is known exactly: textured layers that move and turn, one over another, made by formulas.

    python benchmarks/moving_layers.py FOLDER [FRAMES]

writes its frames as PNG files.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float64]
SUPERSAMPLING = 3
"""Samples per pixel in each direction, so that edges are smooth as in a photograph."""


@dataclass(frozen=True)
class Layer:
    """A texture with a shape, at `place` (fractions of the width and the height) at frame 0, and its motion per frame.

    `reach` is the shape's mean radius as a fraction of the height, inf for the ground; `lobes` waves of the outline
    make it no circle. `velocity` is in fractions of the height, `turn` in radians; `seed` decides the texture.
    """

    place: tuple[float, float]
    velocity: tuple[float, float]
    turn: float
    reach: float
    lobes: int
    seed: int


LAYERS = (
    Layer((0.5, 0.5), (-0.006, 0.002), 0.002, np.inf, 0, 1),
    Layer((0.25, 0.4), (0.014, 0.003), -0.015, 0.27, 3, 2),
    Layer((0.7, 0.65), (-0.011, -0.008), 0.02, 0.2, 5, 3),
    Layer((0.1, 0.85), (0.022, -0.006), 0.0, 0.12, 4, 4),
)
"""From the ground up."""


@dataclass(frozen=True)
class MovingLayers:
    """The film, in frames of `width` x `height` pixels."""

    width: int
    height: int
    layers: tuple[Layer, ...] = LAYERS

    def frame(self, number: int) -> NDArray[np.uint8]:
        """RGB [h, w, 3] of a frame."""
        steps = (np.arange(SUPERSAMPLING) + 0.5) / SUPERSAMPLING - 0.5
        x, y = self._grid()
        total = np.zeros((self.height, self.width, 3))
        for down in steps:
            for across in steps:
                total += self._colours(number, x + across, y + down)
        return np.rint(255 * total / SUPERSAMPLING**2).astype(np.uint8)

    def flow(self, number: int, other: int) -> NDArray[np.float32]:
        """Where [h, w, 2] the middle of each pixel of frame `number` is in frame `other`, less where it is."""
        x, y = self._grid()
        there_x, there_y, _ = self._moved(number, other, x, y)
        return np.stack([there_x - x, there_y - y], -1).astype(np.float32)

    def visible(self, number: int, other: int) -> NDArray[np.bool_]:
        """Where [h, w] frame `other` shows what the middle of each pixel of frame `number` shows."""
        x, y = self._grid()
        there_x, there_y, top = self._moved(number, other, x, y)
        inside = (there_x >= 0) & (there_y >= 0) & (there_x <= self.width - 1) & (there_y <= self.height - 1)
        return inside & (self._top(other, there_x, there_y) == top)

    def _grid(self) -> tuple[Array, Array]:
        y, x = np.mgrid[: self.height, : self.width].astype(np.float64)
        return x, y

    def _own(self, layer: Layer, number: int, x: Array, y: Array) -> tuple[Array, Array]:
        """The places on a layer, in units of the height, of places in a frame."""
        middle_x = layer.place[0] * self.width + layer.velocity[0] * self.height * number
        middle_y = layer.place[1] * self.height + layer.velocity[1] * self.height * number
        cos, sin = np.cos(layer.turn * number), np.sin(layer.turn * number)
        across, down = (x - middle_x) / self.height, (y - middle_y) / self.height
        return cos * across + sin * down, cos * down - sin * across

    def _seen(self, layer: Layer, number: int, across: Array, down: Array) -> tuple[Array, Array]:
        """The inverse of `_own`."""
        cos, sin = np.cos(layer.turn * number), np.sin(layer.turn * number)
        x = (cos * across - sin * down + layer.velocity[0] * number) * self.height + layer.place[0] * self.width
        y = (cos * down + sin * across + layer.velocity[1] * number + layer.place[1]) * self.height
        return x, y

    def _top(self, number: int, x: Array, y: Array) -> NDArray[np.int64]:
        """The index of the uppermost layer."""
        top = np.zeros(x.shape, np.int64)
        for index, layer in enumerate(self.layers):
            across, down = self._own(layer, number, x, y)
            angle = np.arctan2(down, across)
            edge = layer.reach if layer.lobes == 0 else layer.reach * (1 + 0.25 * np.cos(layer.lobes * angle))
            top[np.hypot(across, down) < edge] = index
        return top

    def _moved(self, number: int, other: int, x: Array, y: Array) -> tuple[Array, Array, NDArray[np.int64]]:
        top = self._top(number, x, y)
        there_x, there_y = np.empty_like(x), np.empty_like(y)
        for index, layer in enumerate(self.layers):
            here = top == index
            there_x[here], there_y[here] = self._seen(layer, other, *self._own(layer, number, x[here], y[here]))
        return there_x, there_y, top

    def _colours(self, number: int, x: Array, y: Array) -> Array:
        top = self._top(number, x, y)
        colours = np.empty((*x.shape, 3))
        for index, layer in enumerate(self.layers):
            here = top == index
            colours[here] = _texture(layer.seed, *self._own(layer, number, x[here], y[here]))
        return colours


def _texture(seed: int, across: Array, down: Array) -> Array:
    """RGB [n, 3] from 0 to 1 of a texture: waves of all lengths, whose sum also decides between two colours."""
    random = np.random.default_rng(seed)
    colours = random.uniform(0.15, 0.9, (3, 3))
    colours = colours[np.argsort(colours.mean(1))]
    height = np.zeros(across.shape)
    for octave in range(6):
        for _ in range(5):
            angle, phase = random.uniform(0, 2 * np.pi, 2)
            frequency = 6 * 1.7**octave * random.uniform(0.8, 1.2)
            height += 1.6**-octave * np.sin(frequency * (np.cos(angle) * across + np.sin(angle) * down) + phase)
    height /= 3
    share = (1 / (1 + np.exp(-6 * height)))[:, None]
    shade = 0.12 * np.sin(9 * height)[:, None]
    low, middle, high = colours
    mixed = np.where(share < 0.5, low + 2 * share * (middle - low), middle + (2 * share - 1) * (high - middle))
    clipped: Array = np.clip(mixed + shade, 0, 1)
    return clipped


def main() -> None:
    """Write the frames."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    film = MovingLayers(320, 180)
    for number in range(int(sys.argv[2]) if len(sys.argv) > 2 else 12):
        Image.fromarray(film.frame(number)).save(folder / f"{number:04}.png")


if __name__ == "__main__":
    main()
