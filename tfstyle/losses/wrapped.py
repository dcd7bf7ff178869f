"""Pictures that wrap, with their first row or column once more at the end, so that differences go all the way round."""

from __future__ import annotations

from tfstyle.tensorflow_backend import tf


def closed(image: tf.Tensor, axis: int, wraps: bool) -> tf.Tensor:
    """`image` [1, h, w, 3], with its first row (axis 1) or column (axis 2) at the end if it `wraps` along that axis."""
    if not wraps:
        return image
    first, _ = tf.split(image, [1, -1], axis)
    return tf.concat([image, first], axis)


def closed_below(rows: tf.Tensor, own: int | None, wraps: bool) -> tf.Tensor:
    """`rows` of an image term of which the first `own` count, with the row that follows the last one of the picture.

    A band of rows has that row already.
    """
    return closed(rows, 1, wraps and (own is None or rows.shape[1] == own))
