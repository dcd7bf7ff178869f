"""TensorFlow, imported so that Keras runs on it.

`import tensorflow` imports Keras, on whatever backend the environment names. So Keras comes first here, and every
module of the engine takes TensorFlow from this one.
"""

from __future__ import annotations

from tfstyle.networks.keras_backend import require_tensorflow

# isort: split
import tensorflow as tf

__all__ = ["require_tensorflow", "tf"]
