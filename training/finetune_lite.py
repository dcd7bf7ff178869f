"""Fine-tune the closed-form fit of vgg19-lite by gradient descent, and write the file that is shipped.

    python training/finetune_lite.py --weights VGG19.h5 --images FOLDER --start lite_start.npz

The objective is the student's error in the style transfer losses, in the units of these losses: the error of
block4_conv4's *difference* between a picture and its photo, of the features themselves, and of the Gram matrices at the
default style weight. There are three kinds of pairs of a picture and a photo: a photo overlaid with a painting's
texture, with that photo; a painting with an unrelated photo; and, from the second round on, a picture that the
optimizer generated from a photo with the current network, with that photo. Generated pictures expose the errors of the
network, because the optimizer exploits them.

Writes vgg19_lite.npz (float16) and its SHA-256. With --made 0,0,0 it runs on any Keras backend (KERAS_BACKEND=jax if a
GPU is available); otherwise it needs TensorFlow, because the engine generates the pictures.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from crops import Floats, crops, pictures
from keras import ops
from keras_model import convolution, keras_model
from numpy.typing import NDArray

from tfstyle.colour import BRIGHTEST, DARKEST
from tfstyle.networks.at_hand import LITE_DIGEST_FILE, LITE_FILE
from tfstyle.networks.lite import lite_network
from tfstyle.networks.network import Network
from tfstyle.networks.topology import LITE_CONVOLUTIONS, block_of
from tfstyle.networks.vgg19 import load_vgg19
from tfstyle.presets import PRESETS

SIDE = 160
PAIRS_A_STEP = 4
MADE_A_STEP = 2
LEARNING_RATE = 5e-5
WARM_UP = 100
REPORT_EVERY = 100
HELD_OUT = 12
STYLE_WEIGHT = 2e5
CONTENT = "block4_conv4"
STYLE = PRESETS["default"].style_layers
TYPICAL_CONTENT = 35.0
"""Typical variance of block4_conv4 over a photo. A picture's errors are divided by its own variance over this."""
TYPICAL_STYLE = 400.0
"""Typical mean square of a photo's Gram matrices at this style weight."""
READ_OUT_PICTURES = 120
READ_OUT_POSITIONS = 200
LINKS = ("reduce", "kernel", "expand")

Pair = tuple[int, int]
Arrays = dict[str, Floats]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--images", type=Path, required=True, help="folder with photo_*.jpg and painting_*.jpg")
    parser.add_argument("--without", help="exclude pictures whose name contains this")
    parser.add_argument("--start", type=Path, required=True, help="the file written by fit_lite.py")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "tfstyle" / "networks")
    parser.add_argument("--photos", type=int, default=600, help="number of photo crops (default %(default)s)")
    parser.add_argument("--steps", default="500,800,900", help="steps in each round (default %(default)s)")
    parser.add_argument(
        "--made",
        default="0,50,50",
        help="photos for which pictures are generated before each round (default %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    began = time.perf_counter()

    def report(*words: object) -> None:
        print(f"{time.perf_counter() - began:5.0f}", *words, flush=True)

    random = np.random.default_rng(arguments.seed)
    with np.load(arguments.start) as file:
        arrays = balanced(dict(file))
    vgg19 = load_vgg19(arguments.weights)
    pool = Pool(vgg19)
    natural, held_out, photos, paintings = natural_pairs(pool, arguments, random)
    report(len(pool.images), "pictures through VGG19")
    model = student(arrays)
    report("held out:", scores(model, pool, held_out))

    rounds = [int(count) for count in arguments.steps.split(",")]
    made: list[Pair] = []
    made_held_out: list[Pair] = []
    step = 0
    for count, to_make in zip(rounds, (int(pairs) for pairs in arguments.made.split(",")), strict=True):
        if to_make:
            new = made_pairs(pool, arrays_of(model, arrays), photos, paintings, to_make, random)
            apart = max(3, len(new) // 36 * 3)
            made_held_out = new[:apart]
            made += new[apart:]
            report("newly generated, held out:", scores(model, pool, made_held_out))
        for _ in range(count):
            cosine = 0.5 * (1 + np.cos(np.pi * step / sum(rounds)))
            model.optimizer.learning_rate = LEARNING_RATE * min(1, (step + 1) / WARM_UP) * (0.02 + 0.98 * cosine)
            old = MADE_A_STEP if made else 0
            pairs = [made[i] for i in random.integers(len(made), size=old)] if old else []
            pairs += [natural[i] for i in random.integers(len(natural), size=PAIRS_A_STEP - old)]
            model.train_on_batch(*pool.batch(pairs, mirrored=random.random() < 0.5))
            step += 1
            if step % REPORT_EVERY == 0:
                report(step, "steps:", scores(model, pool, held_out))
        report(step, "steps, held out:", scores(model, pool, held_out))
        if made:
            report("    generated, held out:", scores(model, pool, made_held_out))

    arrays = arrays_of(model, arrays)
    arrays |= read_outs(lite(arrays), vgg19, [pool.images[i] for i in photos[:READ_OUT_PICTURES]], random)
    write(arguments.out, arrays)
    report("written")


class Pool:
    """Pictures [SIDE, SIDE, 3] with VGG19's content features (float16) and Gram matrices of them."""

    def __init__(self, vgg19: Network) -> None:
        self._model = keras_model(vgg19, (CONTENT, *STYLE))
        self.images: list[Floats] = []
        self._contents: list[NDArray[np.float16]] = []
        self._grams: list[dict[str, Floats]] = []

    def add(self, images: Sequence[Floats]) -> list[int]:
        """Add `images`; return their indices."""
        first = len(self.images)
        for image in images:
            features = self._model.predict_on_batch(image[None])
            self.images.append(image)
            self._contents.append(features[CONTENT][0].astype(np.float16))
            flat = {name: features[name].reshape(-1, features[name].shape[-1]) for name in STYLE}
            self._grams.append({name: rows.T @ rows / rows.size for name, rows in flat.items()})
        return list(range(first, len(self.images)))

    def batch(self, pairs: Sequence[Pair], mirrored: bool = False) -> tuple[Floats, dict[str, Any]]:
        """The pictures and photos of `pairs`, alternating, and the student's targets for them."""
        indices = [index for pair in pairs for index in pair]
        images = np.stack([self.images[i] for i in indices])
        content = np.stack([self._contents[i] for i in indices])
        grams = {name: np.stack([self._grams[i][name] for i in indices]) for name in STYLE}
        variance = content.astype(np.float32).var((1, 2)).mean(1)
        energy = sum(STYLE_WEIGHT * (gram**2).mean((1, 2)) for gram in grams.values())
        weights = {
            "content_scale": np.maximum(variance / TYPICAL_CONTENT, 0.3),
            "style_scale": np.maximum(energy / TYPICAL_STYLE, 0.3),
        }
        if mirrored:
            images, content = images[:, :, ::-1], content[:, :, ::-1]
        return images, {"content": content, **grams, **weights}


class Distillation(keras.Model):  # type: ignore[misc]
    """The student with its training loss, whose parts for each picture are `errors`."""

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        difference, content, style = errors(y, y_pred)
        scale = y["content_scale"]
        return ops.mean(difference / scale[0::2]) + 0.5 * ops.mean(content / scale) + ops.mean(style / y["style_scale"])


def errors(truth: Any, seen: Any) -> tuple[Any, Any, Any]:
    """The content difference error of each pair, and the content and weighted style errors of each picture."""
    error = seen[CONTENT] - ops.cast(truth["content"], "float32")
    style = 0.0
    for name in STYLE:
        _, height, width, channels = seen[name].shape
        flat = ops.reshape(seen[name], (-1, height * width, channels))
        gram = ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / (channels * height * width)
        style = style + STYLE_WEIGHT * ops.mean((gram - truth[name]) ** 2, axis=(1, 2))
    difference = ops.mean((error[0::2] - error[1::2]) ** 2, axis=(1, 2, 3))
    return difference, ops.mean(error**2, axis=(1, 2, 3)), style


def scores(model: keras.Model, pool: Pool, pairs: Sequence[Pair]) -> str:
    """The mean errors over `pairs`, as text."""
    parts: list[list[float]] = [[], [], []]
    for start in range(0, len(pairs), PAIRS_A_STEP):
        images, truth = pool.batch(pairs[start : start + PAIRS_A_STEP])
        for part, values in zip(parts, errors(truth, model.predict_on_batch(images)), strict=True):
            part.extend(np.asarray(values))
    return "difference {:.2f}, content {:.2f}, style {:.2f}".format(*map(np.mean, parts))


def student(arrays: Arrays) -> keras.Model:
    """The network in `arrays` as a trainable model that outputs its features in the teacher's space."""
    x = image = keras.Input((SIDE, SIDE, 3))
    seen = {}
    block = 1
    for name in LITE_CONVOLUTIONS:
        if block_of(name) > block:
            x, block = keras.layers.MaxPooling2D()(x), block_of(name)
        links = [link for link in LINKS if f"{name}/{link}" in arrays]
        for link in links:
            kernel = arrays[f"{name}/{link}"]
            last = link == links[-1]
            x = convolution(x, f"{name}_{link}", kernel, arrays[f"{name}/bias"] if last else None)
        if name in (CONTENT, *STYLE):
            read_out = arrays.get(f"{name}/read_out")
            seen[name] = x if read_out is None else convolution(x, f"{name}_read_out", read_out, None)
    model = Distillation(image, seen)
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), jit_compile=keras.backend.backend() == "jax")
    return model


def balanced(arrays: Arrays) -> Arrays:
    """The same network with the kernels of each chain scaled to equal gain, so that one learning rate suits all."""
    scaled = dict(arrays)
    for name in LITE_CONVOLUTIONS:
        links = [f"{name}/{link}" for link in LINKS if f"{name}/{link}" in arrays]
        gains = [np.sqrt(np.mean(arrays[link].astype(np.float64) ** 2) * inputs(arrays[link])) for link in links]
        common = np.exp(np.mean(np.log(gains)))
        for link, gain in zip(links, gains, strict=True):
            if len(links) > 1:
                scaled[link] = (arrays[link] * (common / gain)).astype(np.float32)
    return scaled


def inputs(kernel: Floats) -> int:
    """The number of inputs of each output of `kernel`."""
    return kernel.size // kernel.shape[-1]


def arrays_of(model: keras.Model, like: Arrays) -> Arrays:
    """The weights of a `student` as arrays with the names used in `like`."""
    arrays = dict(like)
    for name in LITE_CONVOLUTIONS:
        for link in (*LINKS, "read_out"):
            if (key := f"{name}/{link}") not in like or (link == "read_out" and name not in STYLE):
                continue
            kernel, *bias = model.get_layer(f"{name}_{link}").get_weights()
            arrays[key] = kernel.reshape(like[key].shape)
            if bias:
                arrays[f"{name}/bias"] = bias[0]
    return arrays


def natural_pairs(
    pool: Pool, arguments: argparse.Namespace, random: np.random.Generator
) -> tuple[list[Pair], list[Pair], list[int], list[int]]:
    """Training pairs, held-out pairs, and the indices of the photos and paintings among the training pairs."""
    photo_files, painting_files = pictures(arguments.images, arguments.without)
    half = arguments.photos // 2
    photo_crops = list(crops(photo_files, 2 * half, SIDE, 0.5, random))
    painting_crops = list(crops(painting_files, half, SIDE, 0.3, random))
    overlaid = [overlay(photo, painting, random) for photo, painting in zip(photo_crops, painting_crops, strict=False)]
    photos, paintings, overlays = (pool.add(images) for images in (photo_crops, painting_crops, overlaid))
    textured = list(zip(overlays, photos[:half], strict=True))
    unrelated = list(zip(paintings, photos[half:], strict=True))
    apart = textured[-HELD_OUT:] + unrelated[-HELD_OUT:]
    kept_photos = photos[: half - HELD_OUT] + photos[half:-HELD_OUT]
    return textured[:-HELD_OUT] + unrelated[:-HELD_OUT], apart, kept_photos, paintings[:-HELD_OUT]


def overlay(photo: Floats, painting: Floats, random: np.random.Generator) -> Floats:
    """`photo` overlaid with the fine structure of `painting`, and half of the time with its mean colour."""
    strength = random.uniform(0.3, 1.2)
    smooth = np.asarray(ops.average_pool(painting[None], 16, 16, "same"))
    texture = painting - np.asarray(ops.image.resize(smooth, (SIDE, SIDE)))[0]
    picture = photo * random.uniform(0.5, 1) + strength * texture
    if random.random() < 0.5:
        picture = picture + 0.7 * (painting.mean((0, 1)) - picture.mean((0, 1)))
    shown: Floats = np.clip(picture, DARKEST, BRIGHTEST).astype(np.float32)
    return shown


def made_pairs(
    pool: Pool, arrays: Arrays, photos: list[int], paintings: list[int], count: int, random: np.random.Generator
) -> list[Pair]:
    """Pairs of a generated picture and its photo: the optimizer runs on `count` photos with the current network."""
    # The engine needs TensorFlow; the rest of this program runs on any Keras backend.
    from made_pictures import make_pictures

    chosen = [photos[random.integers(len(photos))] for _ in range(count)]
    styles = [paintings[random.integers(len(paintings))] for _ in range(count)]
    strengths = [float(STYLE_WEIGHT * 2 ** random.uniform(-1.5, 1)) for _ in range(count)]
    made = make_pictures(
        lite(arrays), [pool.images[i] for i in chosen], [pool.images[i] for i in styles], strengths
    )  # fmt: skip
    return [(index, photo) for photo, kept in zip(chosen, made, strict=True) for index in pool.add(kept)]


def read_outs(student: Network, teacher: Network, images: Sequence[Floats], random: np.random.Generator) -> Arrays:
    """Least-squares maps to the teacher's features, for the layers that are not part of the training loss."""
    layers = [name for name in LITE_CONVOLUTIONS if name not in (CONTENT, *STYLE)]
    models = [keras_model(network, layers) for network in (student, teacher)]
    rows: dict[str, tuple[list[Floats], list[Floats]]] = {name: ([], []) for name in layers}
    for image in images:
        features = [model.predict_on_batch(image[None]) for model in models]
        for name in layers:
            ours, theirs = (seen[name].reshape(-1, seen[name].shape[-1]) for seen in features)
            at = random.integers(len(ours), size=min(len(ours), READ_OUT_POSITIONS))
            rows[name][0].append(ours[at])
            rows[name][1].append(theirs[at])
    return {
        f"{name}/read_out": np.linalg.lstsq(*(np.concatenate(part) for part in rows[name]), rcond=1e-6)[0]
        for name in layers
    }


def lite(arrays: Arrays) -> Network:
    """The network in `arrays`, without rounding to float16."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return lite_network(buffer.getvalue(), hashlib.sha256(buffer.getvalue()).hexdigest(), "in training")


def write(folder: Path, arrays: Arrays) -> None:
    """Write the file that is shipped, in float16, and its digest."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: array.astype(np.float16) for name, array in arrays.items()})
    (folder / LITE_FILE).write_bytes(buffer.getvalue())
    (folder / LITE_DIGEST_FILE).write_text(hashlib.sha256(buffer.getvalue()).hexdigest() + "\n", "ascii")


if __name__ == "__main__":
    main()
