"""Time the reference's loss and its gradient by the picture on a GPU, in Keras on JAX and in PyTorch.

    pip install "keras>=3.12" "jax[cuda13]" torch
    python benchmarks/gpu_network.py [--sizes 450x300,512x512,1024x1024,2048x2048] [--frameworks keras-jax,torch]

VGG19 with random weights: times do not depend on them. TensorFlow is not needed, so this says what other frameworks
take on a machine without it. "float32" multiplies in float32, "tf32" rounds the factors to 10 bits; with "bfloat16" all
features but those of the first convolution have that type, and losses are float32. Medians after three calls; the error
is that of the gradient, beside the same framework's in float32. Each framework runs in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfstyle.colour import MEAN, STD
from tfstyle.networks.network import Network
from tfstyle.networks.topology import block_of
from tfstyle.presets import PRESETS
from vgg19 import convolution_flops, random_vgg19

OPTIONS = PRESETS["reference"]
CONTENT, STYLE = OPTIONS.content_layers, OPTIONS.style_layers
CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)
FRAMEWORKS = ("keras-jax", "torch")
PRECISIONS = ("float32", "tf32", "bfloat16")
WARM, CALLS = 3, 20

Image = NDArray[np.float32]


class Loop(NamedTuple):
    """One row: `evaluate()` computes value and gradient and waits for them; `gradient()` is the latest one."""

    layout: str
    precision: str
    evaluate: Callable[[], None]
    gradient: Callable[[], Image]


def jax_loops(network: Network, image: Image) -> Iterator[Loop]:
    """Keras layers under `jax.jit`."""
    import jax

    for precision in PRECISIONS:
        products = "tensorfloat32" if precision == "tf32" else "highest"
        with jax.default_matmul_precision(products):
            yield _jax_loop(network, image, precision)


def _jax_loop(network: Network, image: Image, precision: str) -> Loop:
    import jax
    import jax.numpy as jnp

    model = _keras_vgg19(network, "bfloat16" if precision == "bfloat16" else "float32")
    trained, fixed = (
        [variable.value for variable in variables]
        for variables in (model.trainable_variables, model.non_trainable_variables)
    )
    scale, shift = 255 * STD[::-1], 255 * MEAN[::-1] - CAFFE_MEAN_BGR

    def features(kernels: Any, picture: Any) -> Any:
        found, _ = model.stateless_call(kernels, fixed, picture[..., ::-1] * scale + shift)
        return {name: values.astype(jnp.float32) for name, values in found.items()}

    def gram_matrix(values: Any) -> Any:
        flat = values.reshape(-1, values.shape[-1])
        return flat.T @ flat / flat.size

    @jax.jit  # type: ignore[untyped-decorator]
    def targets(kernels: Any, photo: Any, painting: Any) -> Any:
        contents, painted = features(kernels, photo), features(kernels, painting)
        return {name: contents[name] for name in CONTENT}, {name: gram_matrix(painted[name]) for name in STYLE}

    def loss(picture: Any, kernels: Any, contents: Any, grams: Any) -> Any:
        seen = features(kernels, picture)
        content = sum(jnp.mean((seen[name] - target) ** 2) for name, target in contents.items())
        style = sum(jnp.mean((gram_matrix(seen[name]) - target) ** 2) for name, target in grams.items())
        variation = sum(jnp.mean(jnp.abs(jnp.diff(picture, axis=axis))) for axis in (1, 2)) / 2
        return OPTIONS.content_weight * content + OPTIONS.style_weight * style + OPTIONS.tv_weight * variation

    picture, other = jnp.asarray(image), jnp.asarray(image[:, ::-1])
    aims = targets(trained, picture, jnp.asarray(image[:, :, ::-1]))
    step = jax.jit(jax.value_and_grad(loss))
    found: list[Any] = []

    def evaluate() -> None:
        found[:] = jax.block_until_ready(step(other, trained, *aims))

    return Loop("NHWC", precision, evaluate, lambda: np.asarray(found[1]))


def _keras_vgg19(network: Network, dtype: str) -> Any:
    """The convolutions as a Keras model from [1, H, W, 3] to {layer: features}."""
    import keras

    entering = x = keras.Input((None, None, 3), batch_size=1)
    outputs: dict[str, Any] = {}
    block = 1
    for name, (*_, bias) in network.weights.items():
        if block_of(name) > block:
            x, block = keras.layers.MaxPooling2D(2, dtype=dtype)(x), block_of(name)
        own = dtype if outputs else "float32"
        x = outputs[name] = keras.layers.Conv2D(len(bias), 3, padding="same", activation="relu", name=name, dtype=own)(
            x
        )
        if name == STYLE[-1]:
            break
    model = keras.Model(entering, {name: outputs[name] for name in {*CONTENT, *STYLE}})
    for name in outputs:
        model.get_layer(name).set_weights(network.weights[name])
    return model


def torch_loops(network: Network, image: Image) -> Iterator[Loop]:
    """PyTorch as it is, without compilation."""
    import torch

    from pytorch_peer import PyTorchLoss

    torch.set_default_device("cuda")
    torch.backends.cudnn.benchmark = True
    for channels_last in (False, True):
        for precision in PRECISIONS:
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
            dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
            loss = PyTorchLoss(network, image, image[:, :, ::-1], channels_last=channels_last, dtype=dtype)
            picture = loss.tensor(image[:, ::-1]).requires_grad_(True)

            def evaluate(loss: PyTorchLoss = loss, picture: torch.Tensor = picture) -> None:
                picture.grad = None
                torch.autograd.backward(loss(picture))
                torch.cuda.synchronize()

            def gradient(picture: torch.Tensor = picture) -> Image:
                assert picture.grad is not None
                return np.asarray(picture.grad.cpu().permute(0, 2, 3, 1))

            yield Loop("channels_last" if channels_last else "NCHW", precision, evaluate, gradient)


def measure(framework: str, sizes: list[tuple[int, int]]) -> None:
    """Print the rows of one framework."""
    loops = {"keras-jax": jax_loops, "torch": torch_loops}[framework]
    network = random_vgg19()
    for width, height in sizes:
        image = np.random.default_rng(1).normal(0, 1, (1, height, width, 3)).astype(np.float32)
        flops = 2 * convolution_flops(network, height, width)
        exact: Image | None = None
        for loop in loops(network, image):
            began = time.perf_counter()
            loop.evaluate()
            first = time.perf_counter() - began
            for _ in range(WARM - 1):
                loop.evaluate()
            seconds = []
            for _ in range(CALLS):
                began = time.perf_counter()
                loop.evaluate()
                seconds.append(time.perf_counter() - began)
            gradient = loop.gradient()
            exact = gradient if exact is None else exact
            error = np.linalg.norm(gradient - exact) / np.linalg.norm(exact)
            median = statistics.median(seconds)
            print(
                f"{framework:9} {loop.layout:13} {loop.precision:8} {f'{width} x {height}':>11} {first:7.2f} "
                f"{1e3 * median:8.2f} {1e3 * min(seconds):8.2f} {flops / median / 1e12:8.1f} {error:8.1e}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="450x300,512x512,1024x1024,2048x2048", help="default %(default)s")
    parser.add_argument("--frameworks", default=",".join(FRAMEWORKS), help="default %(default)s")
    parser.add_argument("--alone", choices=FRAMEWORKS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        sizes = [(int(width), int(height)) for width, height in (one.split("x") for one in arguments.sizes.split(","))]
        measure(arguments.alone, sizes)
        return
    print(
        f"{'framework':9} {'layout':13} {'features':8} {'pixels':>11} {'first s':>7} {'ms':>8} {'least':>8} "
        f"{'TFLOP/s':>8} {'error':>8}",
        flush=True,
    )
    for framework in arguments.frameworks.split(","):
        command = [sys.executable, __file__, "--alone", framework, "--sizes", arguments.sizes]
        subprocess.run(command, check=False, env={**os.environ, "KERAS_BACKEND": "jax"})


if __name__ == "__main__":
    main()
