"""Render the demo's painting: ten thousand brush strokes along a swirling field, in a strong palette.

python training/painting.py [OUT.jpg]      (default: client/tfstyle_client/demo/painting.jpg)
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 800, 600
OVERSAMPLING = 2
HILLS = 0.66
"""Where the sky ends, as a fraction of the height."""
WHIRLS = ((0.26, 0.30, 0.24, 1), (0.70, 0.22, 0.19, -1), (0.50, 0.52, 0.13, 1), (0.92, 0.48, 0.15, -1))
"""Centre (x, y), radius and direction of rotation of the whirls in the sky, as fractions of the width and height."""
TARGET = Path(__file__).parents[1] / "client" / "tfstyle_client" / "demo" / "painting.jpg"

NIGHT = np.array([(18, 38, 110), (24, 66, 160), (36, 108, 186), (70, 160, 190), (14, 24, 70), (120, 200, 196)])
LIGHT = np.array([(252, 210, 60), (255, 236, 150), (244, 160, 40), (250, 246, 220), (226, 92, 40)])
EARTH = np.array([(190, 60, 36), (228, 122, 40), (120, 30, 50), (236, 176, 60), (40, 70, 60), (84, 120, 54)])


def direction(x: float, y: float) -> float:
    """Angle of the strokes at (x, y), as fractions of the picture."""
    if y > HILLS + 0.05 * np.sin(9 * x):
        return 0.5 * np.cos(7 * x + 3 * y) + 0.35 * np.sin(23 * y)
    flow = np.array([1.0, 0.35 * np.sin(6 * x + 1)])
    for centre_x, centre_y, radius, sense in WHIRLS:
        away = np.array([x - centre_x, (y - centre_y) * HEIGHT / WIDTH])
        distance = float(np.hypot(*away)) + 1e-6
        pull = np.exp(-((distance / radius) ** 2)) * 6
        flow = flow + sense * pull * np.array([-away[1], away[0]]) / distance
    return float(np.arctan2(flow[1], flow[0]))


def pigment(random: np.random.Generator, x: float, y: float) -> NDArray[np.float64]:
    """Colour of a stroke that begins at (x, y)."""
    if y > HILLS + 0.05 * np.sin(9 * x):
        band = int((y - HILLS) * 16 + 2 * np.sin(5 * x)) % len(EARTH)
        return EARTH[band if random.random() < 0.7 else random.integers(len(EARTH))] + random.normal(0, 9, 3)
    for centre_x, centre_y, radius, _ in WHIRLS:
        distance = np.hypot(x - centre_x, (y - centre_y) * HEIGHT / WIDTH) / radius
        ring = 0.5 + 0.5 * np.cos(distance * 11)
        if distance < 0.24 or (distance < 1 and random.random() < 0.75 * ring * (1 - distance)):
            return LIGHT[random.integers(2 if distance < 0.24 else len(LIGHT))] + random.normal(0, 8, 3)
    depth = np.clip(2.4 + 2.2 * np.sin(5 * x + 8 * y) + random.normal(0, 1.1), 0, len(NIGHT) - 1)
    return NIGHT[int(depth)] + random.normal(0, 9, 3)


def stroke(
    random: np.random.Generator, draw: ImageDraw.ImageDraw, x: float, y: float, width: float, length: int
) -> None:
    """One stroke from (x, y): parallel bristles that follow the field, each in a slightly different colour."""
    base = pigment(random, x, y)
    path = [(x, y)]
    for _ in range(length):
        angle = direction(*path[-1])
        path.append((path[-1][0] + 0.008 * np.cos(angle), path[-1][1] + 0.008 * np.sin(angle) * WIDTH / HEIGHT))
    points = np.array(path) * (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING)
    along = np.gradient(points, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], 1) / (np.hypot(*along.T)[:, None] + 1e-9)
    bristles = max(3, int(width * 0.9))
    for bristle, offset in enumerate(np.linspace(-width / 2, width / 2, bristles)):
        # Thick paint: light on the one edge of the stroke, shadow on the other.
        relief = 26 * (0.5 - bristle / (bristles - 1)) + random.normal(0, 11)
        fill = tuple(int(value) for value in np.clip(base + relief, 0, 255))
        start, end = random.integers(0, 2), len(points) - random.integers(0, 3)
        line = points[start:end] + across[start:end] * (offset + random.normal(0, 0.6))
        draw.line([tuple(point) for point in line], fill=fill, width=int(random.integers(2, 5)), joint="curve")


def paint(seed: int = 3) -> Image.Image:
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING), (22, 40, 90))
    draw = ImageDraw.Draw(image)
    for count, width, length in ((2600, 26, 9), (3800, 16, 8), (3600, 9, 6)):
        for _ in range(count):
            stroke(random, draw, random.uniform(-0.05, 1.02), random.uniform(-0.02, 1.02), width, length)
    return image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    paint().save(target, quality=82)
