"""Sums of features and of their products over positions, from which every style loss is computed."""

from __future__ import annotations

from typing import Any

from tfstyle.tensorflow_backend import tf

Moments = tuple[tf.Tensor, tf.Tensor]
"""Sums or means over positions: of products [c, c], and of features [c]. Both are float32."""


def moment_sums(features: tf.Tensor, weights: tf.Tensor | None) -> Moments:
    """X^T W X and the column sums of W X, for the features X [1, h, w, c] with `weights` [1, h, w, 1] (None: 1).

    The weights get no gradient.
    """
    sums: Moments = _unweighted(features) if weights is None else _weighted(features, weights)
    return sums


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _unweighted(features: tf.Tensor) -> Any:
    """Without weights, and with a cheap gradient."""

    def gradient(by_products: tf.Tensor, by_features: tf.Tensor) -> tf.Tensor:
        return _by_features(features, by_products, by_features)

    return _sums(tf.cast(features, tf.float32), None), gradient


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _weighted(features: tf.Tensor, weights: tf.Tensor) -> Any:
    def gradient(by_products: tf.Tensor, by_features: tf.Tensor) -> tuple[tf.Tensor, None]:
        return _by_features(features, by_products, by_features) * tf.cast(weights, features.dtype), None

    return _sums(tf.cast(features, tf.float32), weights), gradient


def _by_features(features: tf.Tensor, by_products: tf.Tensor, by_features: tf.Tensor) -> tf.Tensor:
    """The gradient with respect to the features, given that with respect to the unweighted sums.

    The derivative of X^T X takes one product, X (D + D^T), where differentiating the product takes two. It has the
    precision of the features, since it is added to their gradient; the sums need float32, since covariances are small
    differences of them. As a convolution with a kernel of one pixel, the product and the addition are one operation.
    """
    kernel = tf.cast(by_products + tf.transpose(by_products), features.dtype)[None, None]
    return tf.nn.bias_add(tf.nn.conv2d(features, kernel, 1, "SAME"), tf.cast(by_features, features.dtype))


def _sums(features: tf.Tensor, weights: tf.Tensor | None) -> Moments:
    flat = tf.reshape(features, [-1, features.shape[-1]])
    row = tf.ones([1, tf.shape(flat)[0]]) if weights is None else tf.reshape(weights, [1, -1])
    counted = flat if weights is None else flat * tf.reshape(weights, [-1, 1])
    # A product with a row is faster than a sum over an axis.
    return tf.matmul(counted, flat, transpose_a=True), tf.matmul(row, flat)[0]
