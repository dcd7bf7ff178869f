"""Keras layers of a frozen network, written so that their input gradient is fast under XLA.

They have no trainable state: only the picture is optimised. The code uses Keras 3 and runs on any of its backends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfstyle.colour import MEAN, STD
from tfstyle.networks.keras_backend import keras

ops = keras.ops

_CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)


class StandardisedToCaffe(keras.layers.Layer):  # type: ignore[misc]
    """Convert standardised RGB to the input of Keras' VGG19: BGR, 0 to 255, ImageNet's mean subtracted.

    This is a separate layer rather than a change to the first kernel, so that the zero padding of the first convolution
    still represents the mean colour.
    """

    def call(self, image: Any) -> Any:
        return ops.flip(image, axis=-1) * (255 * STD[::-1]) + (255 * MEAN[::-1] - _CAFFE_MEAN_BGR)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class FrozenConvolution(keras.layers.Layer):  # type: ignore[misc]
    """Convolution with zero padding, stride 1, bias and ReLU, whose kernels are constants.

    `kernels` is one kernel [3, 3, c_in, c_out], or an equivalent low-rank chain [1, 1, c_in, r], [3, 3, r, s],
    [1, 1, s, c_out] without non-linearities in between; `bias` is [c_out]; all are float32. The gradient with respect
    to the input is written as forward convolutions with the flipped kernels (mathematically identical), because
    TensorFlow's own conv2d_backprop_input takes a slower path on the CPU.
    """

    def __init__(self, kernels: Sequence[NDArray[np.float32]], bias: NDArray[np.float32], name: str) -> None:
        super().__init__(name=name, trainable=False)
        constant = keras.initializers.Constant
        self.kernels = [
            self.add_weight(shape=kernel.shape, initializer=constant(kernel), name=f"kernel_{index}")
            for index, kernel in enumerate(kernels)
        ]
        self.bias = self.add_weight(shape=bias.shape, initializer=constant(bias), name="bias")
        self.built = True

    def call(self, features: Any) -> Any:
        # A custom gradient needs values, not variables; the kernels are never trained.
        kernels = [ops.stop_gradient(kernel) for kernel in self.kernels]
        flipped = [ops.transpose(ops.flip(kernel, axis=(0, 1)), (0, 1, 3, 2)) for kernel in reversed(kernels)]

        @ops.custom_gradient  # type: ignore[untyped-decorator]
        def convolve(x: Any) -> Any:
            def gradient(*args: Any, upstream: Any = None) -> Any:
                return _chain(args[0] if upstream is None else upstream, flipped)

            return _chain(x, kernels), gradient

        return ops.relu(convolve(features) + self.bias)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.bias.shape[0])


def _chain(features: Any, kernels: Sequence[Any]) -> Any:
    for kernel in kernels:
        features = ops.conv(features, kernel, padding="same")
    return features


class _Pooling2x2(keras.layers.Layer):  # type: ignore[misc]
    """2 x 2 windows, stride 2; an odd last row or column is dropped, as in Keras' VGG19.

    Written as a reshape and a reduction, because XLA's gradient of max_pool is slow on the CPU.
    """

    def windows(self, features: Any) -> Any:
        n, height, width, channels = features.shape
        even = features[:, : height // 2 * 2, : width // 2 * 2]
        return ops.reshape(even, (n, height // 2, 2, width // 2, 2, channels))

    def compute_output_shape(self, input_shape: Any) -> Any:
        n, height, width, channels = input_shape
        return n, height and height // 2, width and width // 2, channels


class MaxPooling2x2(_Pooling2x2):
    """The pooling of VGG19. If several values of a window are the maximum, they share its gradient."""

    def call(self, features: Any) -> Any:
        return ops.max(self.windows(features), axis=(2, 4))


class AveragePooling2x2(_Pooling2x2):
    """The smoother pooling that Gatys et al. 2016 prefer for synthesis."""

    def call(self, features: Any) -> Any:
        return ops.mean(self.windows(features), axis=(2, 4))


POOLINGS = {"max": MaxPooling2x2, "average": AveragePooling2x2}
