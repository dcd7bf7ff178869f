"""The layers of a frozen network, written so that their gradient with respect to the input is fast on a CPU.

They have no trainable state: only the picture is optimised. They compute in the type of their input, float32 or
bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfstyle.borders import ZERO_BORDERS, Borders
from tfstyle.colour import MEAN, STD
from tfstyle.networks.bordered import convolved, pulled_back
from tfstyle.tensorflow_backend import tf

_CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)


def standardised_to_caffe(image: tf.Tensor) -> tf.Tensor:
    """Convert standardised RGB to the input of Keras' VGG19: BGR, 0 to 255, ImageNet's mean subtracted.

    This is a separate step rather than a change to the first kernel, so that the zero padding of the first convolution
    still represents the mean colour.
    """
    return tf.reverse(image, [-1]) * (255 * STD[::-1]) + (255 * MEAN[::-1] - _CAFFE_MEAN_BGR)


class FrozenConvolution:
    """Convolution with stride 1, bias and ReLU, whose kernels are constants of type `precision`.

    `kernels` is one kernel [3, 3, c_in, c_out], or an equivalent low-rank chain [1, 1, c_in, r], [3, 3, r, s],
    [1, 1, s, c_out] without non-linearities in between; `bias` is [c_out]; all are float32.
    """

    def __init__(self, kernels: Sequence[NDArray[np.float32]], bias: NDArray[np.float32], precision: str) -> None:
        flipped = [np.ascontiguousarray(kernel[::-1, ::-1].transpose(0, 1, 3, 2)) for kernel in reversed(kernels)]
        with tf.init_scope():  # not part of a function that happens to be traced
            self._kernels = [tf.cast(kernel, precision) for kernel in kernels]
            self._flipped = [tf.cast(kernel, precision) for kernel in flipped]
            self._bias = tf.cast(bias, precision)

    def __call__(self, features: tf.Tensor, borders: Borders = ZERO_BORDERS) -> tf.Tensor:
        """[n, h, w, c_in] to [n, h, w, c_out], with `borders` around the features."""

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def convolve(x: tf.Tensor) -> Any:
            # Nothing else reads what lies between the three operations, so that TensorFlow fuses them.
            y = tf.nn.relu(tf.nn.bias_add(_chain(x, self._kernels, borders, convolved), self._bias))

            def gradient(upstream: tf.Tensor) -> tf.Tensor:
                # Forward convolutions with flipped kernels are the gradient too; TensorFlow's own operation for it,
                # Conv2DBackpropInput, takes up to 1.6 times as long (docs/performance.md).
                return _chain(tf.raw_ops.ReluGrad(gradients=upstream, features=y), self._flipped, borders, pulled_back)

            return y, gradient

        return convolve(features)


def _chain(
    features: tf.Tensor,
    kernels: Sequence[tf.Tensor],
    borders: Borders,
    bordered: Callable[[tf.Tensor, tf.Tensor, Borders], tf.Tensor],
) -> tf.Tensor:
    for kernel in kernels:
        if borders == ZERO_BORDERS or kernel.shape[0] == 1:
            features = tf.nn.conv2d(features, kernel, 1, "SAME")
        else:
            features = bordered(features, kernel, borders)
    return features


POOLINGS: Mapping[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "max": partial(tf.nn.max_pool2d, ksize=2, strides=2, padding="VALID"),
    "average": partial(tf.nn.avg_pool2d, ksize=2, strides=2, padding="VALID"),
}
"""2 x 2 windows, stride 2; an odd last row or column is dropped, as in Keras' VGG19. "max" is VGG19's own pooling,
"average" the smoother one that Gatys et al. 2016 prefer for synthesis."""
