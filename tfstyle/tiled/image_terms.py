"""The values and gradient of image and reference terms in bands of rows, for a picture too large for the memory.

TensorFlow's allocator never returns memory, so only a band of rows at a time is passed to it, never the whole picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfstyle.borders import NO_WRAPS, Wraps
from tfstyle.gradients import gradient
from tfstyle.losses import IMAGE, ImageTerm, ReferenceTerm
from tfstyle.objective import Targets, Terms, reference_terms
from tfstyle.tensorflow_backend import tf

BAND_PIXELS = 2**17


class BandedImageTerms:
    """The image and reference terms among `terms`, for a picture of `size` (height, width) that may wrap."""

    def __init__(self, terms: Terms, size: tuple[int, int], wraps: Wraps = NO_WRAPS) -> None:
        self._terms = {name: term for name, term in terms.items() if isinstance(term, (ImageTerm, ReferenceTerm))}
        self._halo = max((term.halo for term in self._terms.values() if isinstance(term, ImageTerm)), default=0)
        self._size = size
        self._wraps = wraps
        # Many small operations on three channels, which XLA fuses: 22 in place of 200 ms a megapixel on one core of a
        # processor (benchmarks/spread.py). A GPU is not worth what its compiler may lack.
        compiled = not tf.config.get_visible_devices("GPU")
        self._band = tf.function(self._trace, autograph=False, jit_compile=compiled)

    def add(
        self,
        image: NDArray[np.float32],
        gradient: NDArray[np.float32],
        weights: Mapping[str, float],
        targets: Targets,
    ) -> dict[str, float]:
        """The value of each term for `image` [1, H, W, 3], before its weight.

        `targets` has those of the reference terms. The gradient of the terms' weighted sum is added to `gradient`
        [1, H, W, 3] in place.
        """
        values = dict.fromkeys(self._terms, 0.0)
        if not self._terms:
            return values
        height, width = self._size
        halo = self._halo
        own_targets = {name: targets[name][IMAGE] for name in reference_terms(self._terms)}
        factors = {name: tf.constant(weights[name], tf.float32) for name in self._terms}
        count = max(1, BAND_PIXELS // width)
        for start in range(0, height, count):
            own = min(count, height - start)
            rows = image[:, start : start + own + halo]
            inside = rows.shape[1]
            beyond = own + halo - inside if self._wraps.down else 0
            if beyond:
                rows = np.concatenate([rows, image[:, :beyond]], 1)
            there = tf.nest.map_structure(itemgetter(np.s_[:, start : start + own]), own_targets)
            found, by_rows = self._band(tf.constant(rows), own, factors, there)
            by_rows = np.asarray(by_rows)
            gradient[:, start : start + inside] += by_rows[:, :inside]
            gradient[:, :beyond] += by_rows[:, inside:]
            for name, value in found.items():
                values[name] += float(value)
        return values

    def _trace(self, rows: tf.Tensor, own: int, weights: Mapping[str, tf.Tensor], targets: Mapping[str, Any]) -> Any:
        values = {}
        for name, term in self._terms.items():
            if isinstance(term, ReferenceTerm):
                values[name] = term.value(rows[:, :own], targets[name], self._size)
            else:
                values[name] = term.value(rows[:, : own + term.halo], own, self._size)
        total = tf.add_n([weights[name] * value for name, value in values.items()])
        return values, gradient(total, rows)
