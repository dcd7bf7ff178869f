"""The weighted loss of a picture itself, without a network, and its gradient, traced once for all sizes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from tfstyle.gradients import gradient
from tfstyle.losses import ImageTerm, ReferenceTerm, Term
from tfstyle.losses.open_size import open_specification, size_of
from tfstyle.tensorflow_backend import tf


class PictureLoss:
    """The loss of the image and reference `terms`, of which there is at least one, on pictures of any size."""

    def __init__(self, terms: Mapping[str, ImageTerm | ReferenceTerm]) -> None:
        self._terms = terms
        self._function = tf.function(self._trace, autograph=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the terms, in the order of the values."""
        return tuple(self._terms)

    def __call__(
        self, image: tf.Tensor, targets: Mapping[str, Any], weights: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The values [terms], and the gradient of their weighted sum by the standardised `image`, both [1, H, W, 3].

        `targets` {name: target} are those of the reference terms, structures of maps [1, H, W, c]; `weights` {name:
        [1]} those of all terms.
        """
        arguments = image, targets, weights
        found: tuple[tf.Tensor, tf.Tensor] = self.traced(*arguments)(*arguments)
        return found

    def traced(self, *arguments: Any) -> Any:
        """The function that is called for arguments of these types."""
        return self._function.get_concrete_function(*tf.nest.map_structure(open_specification, arguments))

    def _trace(self, image: tf.Tensor, targets: Mapping[str, Any], weights: Mapping[str, tf.Tensor]) -> Any:
        height, width = (tf.cast(side, tf.float32) for side in size_of(image))
        values = {
            name: term.value(image, targets[name], (height, width))
            if isinstance(term, ReferenceTerm)
            else term.value(image, None, (height, width))
            for name, term in self._terms.items()
        }
        total = tf.add_n([weights[name][0] * value for name, value in values.items()])
        return tf.stack(list(values.values())), gradient(total, image)


def picture_loss(terms: Mapping[str, Term]) -> PictureLoss | None:
    """The loss of the image and reference terms among `terms`, None if there are none; all objectives share it."""
    own = tuple((name, term) for name, term in terms.items() if isinstance(term, (ImageTerm, ReferenceTerm)))
    return _shared(own) if own else None


@cache
def _shared(terms: tuple[tuple[str, ImageTerm | ReferenceTerm], ...]) -> PictureLoss:
    return PictureLoss(dict(terms))
