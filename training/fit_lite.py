"""Fit vgg19-lite, the network that ships, to VGG19 in closed form: no gradient descent, minutes on two cores.

    python training/fit_lite.py --weights VGG19.h5 --images FOLDER [--out tfstyle/networks]

Layer by layer from the image up, on crops of photos and paintings:

1. Choose which k of the teacher's channels to keep: greedy column subset selection on the second
   moments of its features (take the channel that explains most of what is left of all others).
2. From the student's own 3 x 3 input patches U, solve the ridge regression U W = Z. Z is the
   teacher's activation T where T > 0; where its ReLU cuts, only the sign matters, so there
   Z = min(U W, 0), iterated. One Cholesky factor serves every iteration.
3. W is the student's kernel and bias. Apply it, go on.
4. A linear map R from the kept channels to all of the teacher's, by least squares; M = R^T R is the
   metric in which the losses are measured (`tfstyle.networks.network.LayerMetric`).

Writes vgg19_lite.npz (float16 kernels, float32 metrics) and its SHA-256, and prints for each layer how
much of the teacher's variance stays unexplained on crops that the fit did not see.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image
from scipy.linalg import cho_factor, cho_solve

from tfstyle.colour import standardise
from tfstyle.networks.lite import DIGEST_FILE, FILE
from tfstyle.networks.topology import LITE_CONVOLUTIONS, block_of
from tfstyle.networks.vgg19 import load_vgg19

Floats = NDArray[np.float32]

CROP = 128
POSITIONS = 60
BATCH = 10
SIGN_ITERATIONS = 8
RIDGE = 1e-5
HELD_OUT_EVERY = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--images", type=Path, required=True, help="folder with photo_*.jpg and painting_*.jpg")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "tfstyle" / "networks")
    parser.add_argument("--widths", default="24-48-96-160-128", help="channels by block (default %(default)s)")
    parser.add_argument(
        "--crops", type=int, default=800, help="crops, an eighth of them held out (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    began = time.perf_counter()
    random = np.random.default_rng(arguments.seed)
    crops = np.concatenate(list(crop_pictures(arguments.images, arguments.crops, random)))
    positions = {
        name: random.integers(0, side(name), (len(crops), POSITIONS, 2)) for name in LITE_CONVOLUTIONS
    }  # fmt: skip
    teacher = teacher_features(arguments.weights, crops, positions)
    print(f"{len(crops)} crops through VGG19: {time.perf_counter() - began:.0f} s")

    arrays = fit(crops, positions, teacher, [int(width) for width in arguments.widths.split("-")])
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    (arguments.out / FILE).write_bytes(buffer.getvalue())
    (arguments.out / DIGEST_FILE).write_text(digest + "\n", "ascii")
    print(f"{len(buffer.getvalue()):,} bytes, sha256 {digest}, {time.perf_counter() - began:.0f} s")


def crop_pictures(folder: Path, count: int, random: np.random.Generator) -> Iterator[Floats]:
    """`count` standardised crops [1, CROP, CROP, 3]: one in five of a painting, at random scales, half mirrored."""
    photos, paintings = (sorted(folder.glob(f"{kind}_*.jpg")) for kind in ("photo", "painting"))
    for index in range(count):
        paths = paintings if index % 5 == 0 else photos
        with Image.open(paths[random.integers(len(paths))]) as file:
            picture = file.convert("RGB")
        scale = max(random.uniform(0.5, 1.0), CROP / min(picture.size))
        picture = picture.resize([max(CROP, round(length * scale)) for length in picture.size])
        left, top = (int(random.integers(length - CROP + 1)) for length in picture.size)
        pixels = np.array(picture.crop((left, top, left + CROP, top + CROP)))
        yield standardise(pixels[:, ::-1] if random.random() < 0.5 else pixels)


def side(convolution: str) -> int:
    """Height and width of a layer's features on a crop."""
    return CROP >> (block_of(convolution) - 1)


def at(features: Any, positions: NDArray[np.int64]) -> Floats:
    """`features` [n, h, w, c] read at `positions` [n, p, 2]: [n p, c]."""
    values = tf.gather_nd(features, positions, batch_dims=1).numpy()
    return values.reshape(-1, values.shape[-1])


def teacher_features(
    weights: str, crops: Floats, positions: dict[str, NDArray[np.int64]]
) -> dict[str, Floats]:  # fmt: skip
    """VGG19's normalised features of every layer at `positions`: {layer: [crops x POSITIONS, C]}."""
    extractor = load_vgg19(weights).extractor(LITE_CONVOLUTIONS)
    extract = tf.function(lambda image: extractor(image), jit_compile=True)
    rows: dict[str, list[Floats]] = {name: [] for name in LITE_CONVOLUTIONS}
    for index in range(len(crops)):
        features = extract(tf.constant(crops[index : index + 1]))
        for name in LITE_CONVOLUTIONS:
            rows[name].append(at(features[name], positions[name][index : index + 1]))
    return {name: np.concatenate(values) for name, values in rows.items()}


def fit(
    crops: Floats, positions: dict[str, NDArray[np.int64]], teacher: dict[str, Floats], widths: list[int]
) -> dict[str, NDArray[Any]]:
    """The arrays of the shipped file: NAME/kernel, NAME/bias (float16) and NAME/metric (float32)."""
    arrays: dict[str, NDArray[Any]] = {}
    held_out = np.repeat(np.arange(len(crops)) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1, POSITIONS)
    maps = crops
    block = 1
    for name in LITE_CONVOLUTIONS:
        if block_of(name) > block:
            block = block_of(name)
            maps = in_batches(lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"), maps)
        target = teacher[name]
        kept = choose_channels(target[~held_out], widths[block - 1])
        inputs = patches(maps, positions[name])
        solution = solve_rectified(inputs[~held_out], target[~held_out][:, kept])
        kernel = solution[:-1].reshape(3, 3, maps.shape[-1], len(kept)).astype(np.float16)
        bias = solution[-1].astype(np.float16)
        # What ships is float16: the layers above are fitted to that.
        maps = in_batches(lambda x, k=kernel, b=bias: convolve(x, k, b), maps)
        outputs = at(maps, positions[name])
        read_out = np.linalg.lstsq(outputs[~held_out], target[~held_out], rcond=1e-6)[0]
        arrays[f"{name}/kernel"], arrays[f"{name}/bias"] = kernel, bias
        arrays[f"{name}/metric"] = (read_out @ read_out.T).astype(np.float32)
        error = target[held_out] - outputs[held_out] @ read_out
        print(f"{name}  {len(kept):4d} channels  unexplained {error.var(0).sum() / target[held_out].var(0).sum():.3f}")
    return arrays


def choose_channels(features: Floats, count: int) -> NDArray[np.int64]:
    """Indices of `count` columns of `features` [n, C] that explain most of all of them, chosen greedily."""
    left = np.cov(features, rowvar=False).astype(np.float64)
    silent = 1e-9 * left.diagonal().max()
    kept = []
    for _ in range(count):
        variance = left.diagonal()
        explained = np.where(variance > silent, (left**2).sum(0) / np.maximum(variance, silent), -1)
        best = int(explained.argmax())
        kept.append(best)
        left = left - np.outer(left[best], left[best]) / left[best, best]
    return np.sort(kept)


def patches(maps: Floats, positions: NDArray[np.int64]) -> Floats:
    """3 x 3 neighbourhoods of `maps` [n, h, w, c] at `positions`, zeros outside, then a 1: [n p, 9 c + 1]."""
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [at(padded, positions + np.array([row, column])) for row in range(3) for column in range(3)]
    return np.concatenate([*shifted, np.ones((len(shifted[0]), 1), np.float32)], axis=1)


def solve_rectified(inputs: Floats, target: Floats) -> Floats:
    """W [9 c + 1, k] with relu(inputs W) close to `target`, which is post-ReLU (step 2 above)."""
    moments = (inputs.T @ inputs).astype(np.float64)
    moments[np.diag_indices_from(moments)] += RIDGE * moments.diagonal().mean()
    factor = cho_factor(moments)
    active = target > 0
    wanted = target
    for _ in range(SIGN_ITERATIONS + 1):
        solution = cho_solve(factor, (inputs.T @ wanted).astype(np.float64)).astype(np.float32)
        wanted = np.where(active, target, np.minimum(inputs @ solution, 0))
    return solution


def convolve(features: Any, kernel: NDArray[np.float16], bias: NDArray[np.float16]) -> Any:
    return tf.nn.relu(tf.nn.conv2d(features, kernel.astype(np.float32), 1, "SAME") + bias.astype(np.float32))


def in_batches(function: Any, maps: Floats) -> Floats:
    return np.concatenate([function(maps[start : start + BATCH]).numpy() for start in range(0, len(maps), BATCH)])


if __name__ == "__main__":
    main()
