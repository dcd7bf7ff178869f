"""Keras layers of a frozen network, in the form whose input gradient is fastest under XLA.

They hold no trainable state: only the picture is ever optimised. The code is Keras 3 and runs on
any of its backends.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from tfstyle.colour import MEAN, STD

_CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)


class StandardisedToCaffe(keras.layers.Layer):  # type: ignore[misc]
    """Standardised RGB to what Keras' VGG19 was trained on: BGR, 0 to 255, ImageNet's mean subtracted.

    An explicit layer rather than a change to the first kernel, so that the zero padding of the
    first convolution keeps meaning the mean colour.
    """

    def call(self, image: Any) -> Any:
        return ops.flip(image, axis=-1) * (255 * STD[::-1]) + (255 * MEAN[::-1] - _CAFFE_MEAN_BGR)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class FrozenConvolution(keras.layers.Layer):  # type: ignore[misc]
    """3 x 3 convolution with zero padding, stride 1, bias and ReLU, whose kernel is a constant.

    kernel [3, 3, c_in, c_out] and bias [c_out], float32. The gradient with respect to the input
    is written as a forward convolution with the turned kernel, which is what it is: TensorFlow's
    own conv2d_backprop_input takes a slower path on the CPU (design, section 2).
    """

    def __init__(self, kernel: NDArray[np.float32], bias: NDArray[np.float32], name: str) -> None:
        super().__init__(name=name, trainable=False)
        constant = keras.initializers.Constant
        self.kernel = self.add_weight(shape=kernel.shape, initializer=constant(kernel), name="kernel")
        self.bias = self.add_weight(shape=bias.shape, initializer=constant(bias), name="bias")
        self.built = True

    def call(self, features: Any) -> Any:
        # A custom gradient must see values, not variables; and these never learn.
        kernel = ops.stop_gradient(self.kernel)
        turned = ops.transpose(ops.flip(kernel, axis=(0, 1)), (0, 1, 3, 2))

        @ops.custom_gradient  # type: ignore[untyped-decorator]
        def convolve(x: Any) -> Any:
            def gradient(*args: Any, upstream: Any = None) -> Any:
                upstream = args[0] if upstream is None else upstream
                return ops.conv(upstream, turned, padding="same")

            return ops.conv(x, kernel, padding="same"), gradient

        return ops.relu(convolve(features) + self.bias)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.kernel.shape[-1])


class _Pooling2x2(keras.layers.Layer):  # type: ignore[misc]
    """2 x 2 windows, stride 2; an odd last row or column is dropped, as Keras' VGG19 drops it.

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
    """The pooling of VGG19. Where a window's values tie, its gradient is shared among them."""

    def call(self, features: Any) -> Any:
        return ops.max(self.windows(features), axis=(2, 4))


class AveragePooling2x2(_Pooling2x2):
    """The smoother pooling that Gatys et al. 2016 prefer for synthesis."""

    def call(self, features: Any) -> Any:
        return ops.mean(self.windows(features), axis=(2, 4))


POOLINGS = {"max": MaxPooling2x2, "average": AveragePooling2x2}
