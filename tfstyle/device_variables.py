"""Grey variables as tensors, for an optimizer on the device that TensorFlow computes on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfstyle.optimizers.optimizer import Vector
from tfstyle.pyramid import Pyramid
from tfstyle.tensorflow_backend import tf
from tfstyle.variables import DIRECTION, OFFSET, GreyVariables


class DeviceGreyVariables:
    """Implements `tfstyle.variables.Variables` as `GreyVariables` does, from and to tensors."""

    def __init__(self, pyramid: Pyramid) -> None:
        self._shapes = pyramid.shapes
        self._counts = [height * width for height, width in pyramid.shapes]
        self._on_host = GreyVariables(pyramid)

    def start(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """As in `Variables`."""
        return self._on_host.start(image)

    def expand(self, variables: Vector) -> Vector:
        """As in `Variables`."""
        finest, *coarser = tf.split(variables, self._counts)
        levels = [finest[:, None] * DIRECTION.astype(np.float32) + OFFSET.astype(np.float32)]
        for (height, width), level in zip(self._shapes[1:], coarser, strict=True):
            levels.append(tf.reshape(level, [height, 1, width]) * DIRECTION.astype(np.float32)[:, None])
        return tf.concat([tf.reshape(level, [-1]) for level in levels], 0)

    def gradient(self, by_pyramid: Vector) -> Vector:
        """As in `Variables`."""
        finest, *coarser = tf.split(by_pyramid, [3 * count for count in self._counts])
        levels = [tf.reduce_sum(tf.reshape(finest, [-1, 3]) * DIRECTION.astype(np.float32), 1)]
        for (height, width), level in zip(self._shapes[1:], coarser, strict=True):
            colours = tf.reshape(level, [height, 3, width]) * DIRECTION.astype(np.float32)[:, None]
            levels.append(tf.reshape(tf.reduce_sum(colours, 1), [-1]))
        return tf.concat(levels, 0)
