"""The latest values that were computed, so that the frames of a film do not compute again what they share."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from tfstyle.tensorflow_backend import tf

MOST_BYTES = 128 * 2**20
"""What an engine keeps of style pictures: enough for one of a film's, at 640 x 360 pixels on VGG19."""
USES = 16
"""A value that none of so many further questions asked for gives way to others."""
Value = TypeVar("Value")


@dataclass
class _Kept:
    value: Any
    size: int
    used: int


class Recent:
    """Values by what they were computed from, of `most_bytes` at most together.

    A value is a structure of tensors, as `tf.nest` takes it. One for which there is no room is not kept, unless others
    were not asked for `USES` times: so of more than there is room for, which are asked for in turn, some stay. Not
    thread-safe.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: dict[Hashable, _Kept] = {}
        self._asked = 0

    def of(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The value of this key, computed if it is not kept."""
        self._asked += 1
        if (kept := self._kept.get(key)) is not None:
            kept.used = self._asked
            found: Value = kept.value
            return found
        value = compute()
        size = _bytes(value)
        self._make_room(size)
        if self._total() + size <= self._most:
            self._kept[key] = _Kept(value, size, self._asked)
        return value

    def _make_room(self, size: int) -> None:
        """Drop values that were not asked for lately, the least lately first, as far as `size` bytes more need it."""
        for key, kept in sorted(self._kept.items(), key=lambda item: item[1].used):
            if size > self._most or self._total() + size <= self._most or self._asked - kept.used <= USES:
                return
            del self._kept[key]

    def _total(self) -> int:
        return sum(kept.size for kept in self._kept.values())


def _bytes(value: object) -> int:
    return sum(each.dtype.size * each.shape.num_elements() for each in tf.nest.flatten(value) if tf.is_tensor(each))
