"""The weighted loss of a network's features and its gradient with respect to the picture, traced once for all sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from tfstyle.borders import ZERO_BORDERS, Borders
from tfstyle.gradients import gradient
from tfstyle.losses import FeatureTerm, Term
from tfstyle.losses.open_size import open_specification
from tfstyle.networks.extractor import extractor
from tfstyle.networks.network import Network
from tfstyle.tensorflow_backend import tf


def feature_layers(terms: Mapping[str, Term]) -> tuple[str, ...]:
    """Every layer that a term uses, each once."""
    return tuple(dict.fromkeys(layer for term in terms.values() for layer in getattr(term, "layers", ())))


class FeatureLoss:
    """The loss of feature `terms` on pictures of any size.

    Tracing takes longer than twenty evaluations of a small picture, and TensorFlow never frees what it traced. So
    height and width are left open in the trace, unless something other than zeros is at the `borders`: what is put
    there is cut out of maps at places that depend on their size, and such a picture is traced for its size.

    Targets are structures of tensors and arrays. Those of four dimensions are maps [1, h, w, c].

    The trace is not compiled by XLA, whose convolutions are no faster in float32 and do not use the instructions for
    bfloat16 (docs/performance.md).
    """

    def __init__(
        self, network: Network, terms: Mapping[str, FeatureTerm], pooling: str, precision: str, borders: Borders
    ) -> None:
        self._metrics = network.metrics
        self._terms = terms
        self._extractor = extractor(network, feature_layers(terms), pooling, precision, borders)
        self._has_open_size = borders == ZERO_BORDERS
        self._function = tf.function(self._trace, autograph=False)

    @property
    def layers(self) -> dict[str, tuple[str, ...]]:
        """{name of the term: its layers}, in the order of the values."""
        return {name: term.layers for name, term in self._terms.items()}

    def __call__(
        self, image: tf.Tensor, targets: Mapping[str, Any], weights: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The values [n] of all `layers`, and the gradient of their weighted sum by `image`, both [1, H, W, 3].

        `targets` {name: {layer: target}} and `weights` [layers of a term] have one entry for each term.
        """
        arguments = image, targets, weights
        found: tuple[tf.Tensor, tf.Tensor] = self.traced(*arguments)(*arguments)
        return found

    def traced(self, *arguments: Any) -> Any:
        """The function that is called for arguments of these shapes and types."""
        specification = open_specification if self._has_open_size else _closed_specification
        return self._function.get_concrete_function(*tf.nest.map_structure(specification, arguments))

    def _trace(self, image: tf.Tensor, targets: Mapping[str, Any], weights: Sequence[tf.Tensor]) -> Any:
        features = self._extractor(image)
        values = []
        for name, term in self._terms.items():
            by_layer = term.by_layer(features, targets[name], self._metrics)
            values.append(tf.stack([by_layer[layer] for layer in term.layers]))
        total = tf.add_n([tf.reduce_sum(each * own) for each, own in zip(values, weights, strict=True)])
        return tf.concat(values, 0), gradient(total, image)


def _closed_specification(value: Any) -> tf.TensorSpec:
    return tf.TensorSpec(value.shape, value.dtype)


_made: WeakKeyDictionary[Network, WeakValueDictionary[object, FeatureLoss]] = WeakKeyDictionary()
"""{network: {everything else that it depends on: loss}}, for as long as an objective uses it."""


def feature_loss(
    network: Network, terms: Mapping[str, Term], pooling: str, precision: str, borders: Borders
) -> FeatureLoss | None:
    """The loss of the feature terms among `terms`, None if there are none; objectives of all sizes share it.

    With other borders than zeros each has its own, whose trace goes with it.
    """
    own = {name: term for name, term in terms.items() if isinstance(term, FeatureTerm)}
    if not own:
        return None
    if borders != ZERO_BORDERS:
        return FeatureLoss(network, own, pooling, precision, borders)
    key = tuple(own.items()), pooling, precision
    made = _made.setdefault(network, WeakValueDictionary())
    if (loss := made.get(key)) is None:
        made[key] = loss = FeatureLoss(network, own, pooling, precision, borders)
    return loss
