"""The latest values that were computed, so that the frames of a film do not compute again what they share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

from tfstyle.tensorflow_backend import tf

MOST_BYTES = 128 * 2**20
"""What an engine keeps of style pictures: enough for those of a film's frame, of 640 x 360 pixels on VGG19."""
Value = TypeVar("Value")


class Recent:
    """Values by what they were computed from, the latest used ones, of `most_bytes` at most together.

    A value is a structure of tensors, as `tf.nest` takes it. Not thread-safe.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._values: OrderedDict[Hashable, object] = OrderedDict()

    def of(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The value of this key, computed if it is not kept. A value larger than all that may be kept is not."""
        if key in self._values:
            self._values.move_to_end(key)
            kept: Value = self._values[key]  # type: ignore[assignment]
            return kept
        value = compute()
        if _bytes(value) <= self._most:
            self._values[key] = value
            while sum(map(_bytes, self._values.values())) > self._most:
                self._values.popitem(last=False)
        return value


def _bytes(value: object) -> int:
    return sum(each.dtype.size * each.shape.num_elements() for each in tf.nest.flatten(value) if tf.is_tensor(each))
