"""TensorFlow, from which every module of the engine takes it.

`import tensorflow` imports Keras, on whatever backend the environment names, which need not be installed. So Keras
comes first here.
"""

from __future__ import annotations

from tfstyle.networks import keras_backend  # noqa: F401

# isort: split
import tensorflow as tf

__all__ = ["tf"]
