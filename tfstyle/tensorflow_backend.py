"""TensorFlow, from which every module of the engine takes it.

`import tensorflow` imports Keras, on whatever backend the environment names, which need not be installed. So Keras
comes first here.
"""

from __future__ import annotations

from tfstyle.networks import keras_backend  # noqa: F401

# isort: split
import tensorflow as tf

# GPUs would otherwise compute float32 products with 10 bits: covariances are small differences of such products.
tf.config.experimental.enable_tensor_float_32_execution(False)

__all__ = ["tf"]
