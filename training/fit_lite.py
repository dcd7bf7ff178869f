"""Fit vgg19-lite to VGG19 in closed form: no gradient descent, minutes on two cores.

    python training/fit_lite.py --weights VGG19.h5 --images FOLDER --out lite_start.npz

The deep layers of the student have all of VGG19's channels, but kernels of low rank: c_in -> r by a 1 x 1 convolution,
3 x 3 from r to s, 1 x 1 from s to c_out (Tucker-2, Kim et al. 2016). At the same cost, a network of this shape loses
half as much as one with fewer channels. The fit proceeds layer by layer from the image up, on crops of photos and
paintings:

1. If a layer keeps only k of the teacher's channels, choose them by greedy column subset selection on the second
   moments of its features (repeatedly take the channel that explains most of the remaining variance of all others).
2. Reduce the input to the r directions that contribute most to the output of the teacher's next kernel: with second
   moments S of the input and M = sum over taps of K K^T, the leading eigenvectors of S^1/2 M S^1/2.
3. From the student's own 3 x 3 patches U, solve the ridge regression U W = Z. Z is the teacher's activation T where
   T > 0. Where its ReLU outputs 0, only the sign matters, so there Z = min(U W, 0), iterated. After a few iterations
   U W is restricted to its s leading directions (reduced-rank regression, with the non-linearity as in Zhang et al.
   2015). One Cholesky factor serves every iteration.
4. Apply the new layer and continue with the next one. For layers with fewer channels than the teacher's, fit a
   least-squares map to all of them: the read-out, in whose space the losses are measured
   (`tfstyle.networks.network.LayerMetric`).

Prints for each layer the share of the teacher's variance that is unexplained on held-out crops. `finetune_lite.py`
continues from the file that this program writes.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from crops import Floats, crop, pictures
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, eigh

from tfstyle.networks.extractor import extractor
from tfstyle.networks.network import Network, Weights
from tfstyle.networks.topology import LITE_CONVOLUTIONS, block_of
from tfstyle.networks.vgg19 import load_vgg19

CROP = 128
POSITIONS = 90
BATCH = 10
FULL_RANK_ITERATIONS = 3
ITERATIONS = 14
RIDGE = 1e-5
HELD_OUT_EVERY = 8
PAINTING_EVERY = 5
MOMENT_ROWS = 60_000


@dataclass(frozen=True)
class Shape:
    """A layer of the student: input reduced to `r`, `s` filters, `channels` outputs; None means no reduction."""

    r: int | None
    s: int | None
    channels: int


SHAPES = {
    "block1_conv1": Shape(None, None, 16),
    "block1_conv2": Shape(None, None, 16),
    "block2_conv1": Shape(None, 32, 64),
    "block2_conv2": Shape(32, 32, 96),
    "block3_conv1": Shape(48, 48, 256),
    "block3_conv2": Shape(48, 48, 256),
    "block3_conv3": Shape(48, 48, 256),
    "block3_conv4": Shape(48, 48, 256),
    "block4_conv1": Shape(96, 96, 512),
    "block4_conv2": Shape(96, 96, 512),
    "block4_conv3": Shape(96, 96, 512),
    "block4_conv4": Shape(112, 112, 512),
    "block5_conv1": Shape(64, 64, 512),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--images", type=Path, required=True, help="folder with photo_*.jpg and painting_*.jpg")
    parser.add_argument("--without", help="exclude pictures whose name contains this")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--crops", type=int, default=600, help="crops, an eighth of them held out (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    began = time.perf_counter()
    random = np.random.default_rng(arguments.seed)
    photos, paintings = pictures(arguments.images, arguments.without)
    chosen = (paintings if index % PAINTING_EVERY == 0 else photos for index in range(arguments.crops))
    crops = np.stack([crop(paths[random.integers(len(paths))], CROP, 0.5, random) for paths in chosen])
    positions = {
        name: random.integers(0, side(name), (len(crops), POSITIONS, 2)) for name in LITE_CONVOLUTIONS
    }  # fmt: skip
    vgg19 = load_vgg19(arguments.weights)
    teacher = teacher_features(vgg19, crops, positions)
    print(f"{len(crops)} crops through VGG19: {time.perf_counter() - began:.0f} s")

    np.savez(arguments.out, **fit(crops, positions, teacher, vgg19.weights, random))
    print(f"{time.perf_counter() - began:.0f} s")


def side(convolution: str) -> int:
    """Height and width of a layer's features on a crop."""
    return CROP >> (block_of(convolution) - 1)


def at(features: Any, positions: NDArray[np.int64]) -> Floats:
    """`features` [n, h, w, c] read at `positions` [n, p, 2]: [n p, c]."""
    values = tf.gather_nd(features, positions, batch_dims=1).numpy()
    return values.reshape(-1, values.shape[-1])


def teacher_features(vgg19: Network, crops: Floats, positions: dict[str, NDArray[np.int64]]) -> dict[str, Floats]:
    """VGG19's normalised features of every layer at `positions`: {layer: [crops x POSITIONS, C]}."""
    extract = tf.function(extractor(vgg19, LITE_CONVOLUTIONS))
    rows: dict[str, list[Floats]] = {name: [] for name in LITE_CONVOLUTIONS}
    for index in range(len(crops)):
        features = extract(tf.constant(crops[index : index + 1]))
        for name in LITE_CONVOLUTIONS:
            rows[name].append(at(features[name], positions[name][index : index + 1]))
    return {name: np.concatenate(values) for name, values in rows.items()}


def fit(
    crops: Floats,
    positions: dict[str, NDArray[np.int64]],
    teacher: dict[str, Floats],
    teacher_weights: Weights,
    random: np.random.Generator,
) -> dict[str, Floats]:
    """The arrays that `tfstyle.networks.lite.lite_network` reads, in float32."""
    arrays: dict[str, Floats] = {}
    train = np.repeat(np.arange(len(crops)) % HELD_OUT_EVERY != HELD_OUT_EVERY - 1, POSITIONS)
    maps = crops
    block = 1
    below: NDArray[np.int64] | slice = slice(None)
    for name in LITE_CONVOLUTIONS:
        if block_of(name) > block:
            block = block_of(name)
            maps = in_batches(lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"), maps)
        shape, features = SHAPES[name], teacher[name]
        whole = shape.channels == features.shape[1]
        kept = np.arange(shape.channels) if whole else choose_channels(features[train], shape.channels)
        if shape.r is not None:
            reduce = needed_directions(maps, teacher_weights[name][0][:, :, below], shape.r, random)
            arrays[f"{name}/reduce"] = reduce
            maps = in_batches(lambda x, k=reduce: convolve(x, k[None, None]), maps)
        inputs = patches(maps, positions[name])
        kernel, expand, bias = solve_rectified(inputs[train], features[train][:, kept], shape.s)
        arrays[f"{name}/kernel"], arrays[f"{name}/bias"] = kernel, bias
        links = [kernel] if expand is None else [kernel, expand[None, None]]
        if expand is not None:
            arrays[f"{name}/expand"] = expand
        maps = in_batches(lambda x, k=links, b=bias: apply(x, k, b), maps)
        below = slice(None) if whole else kept
        outputs = at(maps, positions[name])
        if not whole:
            arrays[f"{name}/read_out"] = np.linalg.lstsq(outputs[train], features[train], rcond=1e-6)[0]
            outputs = outputs @ arrays[f"{name}/read_out"]
        error = (features - outputs)[~train]
        print(f"{name}  {shape}  unexplained {error.var(0).sum() / features[~train].var(0).sum():.3f}", flush=True)
    return arrays


def choose_channels(features: Floats, count: int) -> NDArray[np.int64]:
    """Indices of the `count` columns of `features` [n, C] that together explain most of their variance (greedy)."""
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


def needed_directions(maps: Floats, kernel: Floats, count: int, random: np.random.Generator) -> Floats:
    """[c, count]: the projection of `maps` [n, h, w, c] that best preserves the output of `kernel` [3, 3, c, C]."""
    rows = maps.reshape(-1, maps.shape[-1])
    rows = rows[random.permutation(len(rows))[:MOMENT_ROWS]]
    values, vectors = eigh((rows.T @ rows / len(rows)).astype(np.float64))
    values = np.maximum(values, 1e-8 * values.max())
    root, inverse = vectors * np.sqrt(values) @ vectors.T, vectors / np.sqrt(values) @ vectors.T
    need = np.einsum("hwio,hwjo->ij", kernel.astype(np.float64), kernel.astype(np.float64))
    _, leading = eigh(root @ need @ root)
    projection = (inverse @ leading[:, ::-1][:, :count]).astype(np.float32)
    scaled: Floats = projection / np.sqrt(np.mean((rows @ projection) ** 2))
    return scaled


def patches(maps: Floats, positions: NDArray[np.int64]) -> Floats:
    """3 x 3 neighbourhoods of `maps` [n, h, w, c] at `positions`, zero-padded, then a constant 1: [n p, 9 c + 1]."""
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [at(padded, positions + np.array([row, column])) for row in range(3) for column in range(3)]
    return np.concatenate([*shifted, np.ones((len(shifted[0]), 1), np.float32)], axis=1)


def solve_rectified(inputs: Floats, target: Floats, rank: int | None) -> tuple[Floats, Floats | None, Floats]:
    """Kernel [3, 3, c, s], expansion [s, k] or None, and bias [k] of a layer close to `target` (step 3 above).

    `inputs` [n, 9 c + 1] are patches, `target` [n, k] the teacher's activations after the ReLU.
    """
    moments = (inputs.T @ inputs).astype(np.float64)
    moments[np.diag_indices_from(moments)] += RIDGE * moments.diagonal().mean()
    factor = cho_factor(moments)
    active = target > 0
    wanted = target
    directions: Floats | None = None
    for iteration in range(ITERATIONS):
        solution = cho_solve(factor, (inputs.T @ wanted).astype(np.float64)).astype(np.float32)
        bias = solution[-1]
        predicted = inputs @ solution
        if rank is not None and iteration >= FULL_RANK_ITERATIONS:
            mean = predicted.mean(0)
            _, vectors = eigh(((predicted - mean).T @ (predicted - mean)).astype(np.float64))
            directions = vectors[:, ::-1][:, :rank].astype(np.float32)
            bias = mean + (bias - mean) @ directions @ directions.T
            predicted = mean + (predicted - mean) @ directions @ directions.T
        wanted = np.where(active, target, np.minimum(predicted, 0))
    kernel = solution[:-1] if directions is None else solution[:-1] @ directions
    expand = None if directions is None else directions.T
    return kernel.reshape(3, 3, -1, kernel.shape[-1]), expand, bias


def convolve(features: Any, kernel: Floats) -> Any:
    return tf.nn.conv2d(features, kernel, 1, "SAME")


def apply(features: Any, kernels: list[Floats], bias: Floats) -> Any:
    for kernel in kernels:
        features = convolve(features, kernel)
    return tf.nn.relu(features + bias)


def in_batches(function: Any, maps: Floats) -> Floats:
    return np.concatenate([function(maps[start : start + BATCH]).numpy() for start in range(0, len(maps), BATCH)])


if __name__ == "__main__":
    main()
