"""Render the demo's photo: sky, clouds, ridges in haze, a lake with their reflection, firs and a meadow.

python training/landscape.py [OUT.jpg]     (default: client/tfstyle_client/demo/landscape.jpg)
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 1024, 683
HORIZON = int(0.60 * HEIGHT)
SUN = np.array([0.70 * WIDTH, 0.42 * HEIGHT])
TARGET = Path(__file__).parents[1] / "client" / "tfstyle_client" / "demo" / "landscape.jpg"

Plane = NDArray[np.float64]


def fractal_noise(random: np.random.Generator, height: int, width: int, coarsest: float, aspect: float = 1.0) -> Plane:
    """Sum of smooth noise layers, each twice as fine and 0.55 as strong as the previous: [height, width], 0 to 1."""
    total = np.zeros((height, width))
    cell, strength = coarsest, 1.0
    while cell >= 1.5:
        grid = random.random((int(height / cell) + 3, int(width / cell / aspect) + 3)).astype(np.float32)
        layer = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        total += strength * np.array(layer)
        cell, strength = cell / 2, strength * 0.55
    return (total - total.min()) / np.ptp(total)


def shifted(plane: Plane, down: int, across: int) -> Plane:
    """`plane` moved down and to the right (left for a negative `across`), its border repeated."""
    rows = np.clip(np.arange(plane.shape[0]) - down, 0, plane.shape[0] - 1)
    columns = np.clip(np.arange(plane.shape[1]) - across, 0, plane.shape[1] - 1)
    return plane[np.ix_(rows, columns)]


def blend(below: Plane, above: Plane, amount: Plane) -> Plane:
    return below + (above - below) * np.clip(amount, 0, 1)[..., None]


def colour(*rgb: float) -> Plane:
    return np.array(rgb) / 255


def sky(random: np.random.Generator) -> Plane:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    down = rows / HORIZON
    picture = blend(np.broadcast_to(colour(58, 104, 168), (HEIGHT, WIDTH, 3)), colour(244, 205, 160), down**1.6)
    distance = np.hypot((columns - SUN[0]) / 1.5, rows - SUN[1])
    picture = blend(picture, colour(255, 236, 190), 0.9 * np.exp(-((distance / 130) ** 1.3)))
    picture = blend(picture, colour(255, 250, 232), np.exp(-((distance / 26) ** 4)))
    clouds = fractal_noise(random, HEIGHT, WIDTH, 150, aspect=2.6)
    cover = np.clip((clouds - 0.50 + 0.10 * down) * 4.5, 0, 1) * np.clip(1.35 - down, 0, 1)
    lit = np.clip(0.45 + 1.6 * (clouds - shifted(clouds, 6, -9)) * 4 + 0.3 * np.exp(-distance / 260), 0, 1)
    shade = blend(np.broadcast_to(colour(122, 122, 150), picture.shape), colour(255, 238, 214), lit)
    return picture + (shade - picture) * cover[..., None] * 0.9


def ridge(random: np.random.Generator, picture: Plane, top: float, relief: float, haze: float, hue: Plane) -> Plane:
    """Draw one ridge over `picture`: crest around `top`, rock lit from the sun's side, then haze."""
    crest = top - relief * (fractal_noise(random, 3, WIDTH, WIDTH / 3)[1] - 0.35) * 2
    crest -= 0.10 * relief * fractal_noise(random, 3, WIDTH, 14)[1]
    rows = np.arange(HEIGHT)[:, None]
    inside = np.clip(rows - crest[None], 0, 1)
    depth = np.clip((rows - crest[None]) / max(relief, 1), 0, 3)
    rock = fractal_noise(random, HEIGHT, WIDTH, relief / 1.5)
    light = np.clip(0.50 + 7 * (rock - shifted(rock, 2, 5)) - 0.10 * depth, 0, 1)
    body = blend(np.broadcast_to(hue * 0.42, picture.shape), hue * 1.45, light)
    snow = np.clip((light - 0.45) * 3, 0, 1) * np.clip(1.1 - 2.6 * depth, 0, 1) * (relief > 90)
    body = blend(body, colour(250, 240, 232), snow)
    veil = haze + 0.25 * np.clip((rows - HORIZON + 90) / 90, 0, 1) * (haze > 0.1)
    return blend(picture, blend(body, colour(226, 196, 178), veil), inside)


def lake(random: np.random.Generator, picture: Plane) -> Plane:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    below = np.clip(rows - HORIZON, 0, None)
    ripple = fractal_noise(random, HEIGHT, WIDTH, 22, aspect=7)
    source = np.clip(HORIZON - 1 - below * 1.15 + (ripple - 0.5) * (4 + below * 0.30), 0, HORIZON - 1).astype(int)
    shift = np.clip(columns + (ripple - 0.5) * (2 + below * 0.08), 0, WIDTH - 1).astype(int)
    mirror = picture[source, shift] * colour(205, 218, 232)
    glitter = np.clip((ripple - 0.66) * 6, 0, 1) * np.exp(-(((columns - SUN[0]) / (30 + below)) ** 2))
    mirror = blend(mirror, colour(255, 240, 205), glitter)
    return blend(picture, mirror, (rows >= HORIZON).astype(float))


def meadow(random: np.random.Generator, image: Image.Image) -> Image.Image:
    shore = HEIGHT - 95 - 60 * fractal_noise(random, 3, WIDTH, 400)[1] - 6 * fractal_noise(random, 3, WIDTH, 20)[1]
    draw = ImageDraw.Draw(image)
    for x in range(WIDTH):
        draw.line([(x, shore[x]), (x, HEIGHT)], fill=(46, 58, 30))
    flowers = [(238, 196, 60), (226, 92, 60), (240, 236, 226), (176, 110, 190)]
    blades = sorted(
        (float(random.uniform(shore.min(), HEIGHT + 20)), float(random.uniform(0, WIDTH))) for _ in range(15000)
    )
    for y, x in blades:
        near = (y - shore.min()) / (HEIGHT - shore.min())
        if y < shore[min(int(x), WIDTH - 1)]:
            continue
        length = 4 + 20 * near * random.random()
        tone = random.normal(1, 0.2) * (0.75 + 0.35 * np.exp(-abs(x - SUN[0]) / 250))
        fill = tuple(int(np.clip(c * tone, 0, 255)) for c in (112 + 40 * near, 128 + 14 * near, 48))
        draw.line([(x, y), (x + random.normal(0, 3), y - length)], fill=fill, width=1 + (near > 0.6))
        if random.random() < 0.035:
            size = 1 + 2.4 * near
            draw.ellipse([x - size, y - length - size, x + size, y - length + size], fill=flowers[random.integers(4)])
    return image


def firs(random: np.random.Generator, image: Image.Image) -> Image.Image:
    draw = ImageDraw.Draw(image)
    places = [(x, 0.86 + 0.05 * random.random(), random.uniform(150, 330)) for x in random.uniform(-20, 235, 9)]
    places += [(x, 0.84 + 0.05 * random.random(), random.uniform(70, 170)) for x in random.uniform(850, 1030, 8)]
    for x, foot, height in sorted(places, key=lambda place: place[1]):
        base = foot * HEIGHT
        draw.line([(x, base), (x, base - height)], fill=(48, 36, 28), width=max(2, int(height / 55)))
        for level in np.linspace(0.08, 1, int(height / 3.2)):
            reach = height * 0.21 * (1 - level) ** 0.85 + 1.5
            y = base - height * level
            for _ in range(7):
                side = random.uniform(-1, 1)
                bright = 0.55 + 0.5 * (side > 0) * random.random() + 0.15 * random.random()
                fill = tuple(int(c * bright) for c in (58, 84, 52))
                draw.line([(x, y - 2), (x + side * reach, y + abs(side) * reach * 0.42)], fill=fill, width=2)
    return image


def render(seed: int = 7) -> Image.Image:
    random = np.random.default_rng(seed)
    picture = sky(random)
    for top, relief, haze, hue in (
        (0.50, 190, 0.42, colour(112, 120, 152)),
        (0.545, 105, 0.30, colour(96, 104, 128)),
        (0.575, 58, 0.16, colour(78, 92, 92)),
        (0.597, 24, 0.04, colour(52, 70, 50)),
    ):
        picture = ridge(random, picture, top * HEIGHT, relief, haze, hue)
    picture = lake(random, picture)
    image = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    image = firs(random, meadow(random, image)).filter(ImageFilter.GaussianBlur(0.6))
    grain = random.normal(0, 2.2, (HEIGHT, WIDTH, 1))
    return Image.fromarray(np.clip(np.array(image) + grain, 0, 255).astype(np.uint8))


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    render().save(target, quality=84)
