"""TensorFlow, from which every module of the engine takes it.

`import tensorflow` imports Keras, on whatever backend the environment names, which need not be installed. So Keras
comes first here.
"""

from __future__ import annotations

from contextlib import suppress

from tfstyle.networks import keras_backend  # noqa: F401

# isort: split
import tensorflow as tf

# GPUs would otherwise compute float32 products with 10 bits: covariances are small differences of such products.
tf.config.experimental.enable_tensor_float_32_execution(False)

# It joins sums of two tensors to one of many, whose rounding depends on how threads happen to run (tfstyle.gradients).
tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})


def share_gpus() -> None:
    """Take a GPU's memory as it is needed. TensorFlow would take nearly all at once, and other processes none.

    A program that uses the GPU already, or has divided its memory, has decided itself.
    """
    for gpu in tf.config.get_visible_devices("GPU"):
        with suppress(RuntimeError, ValueError):
            tf.config.experimental.set_memory_growth(gpu, True)


share_gpus()

__all__ = ["tf"]
