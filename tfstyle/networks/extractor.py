"""Read any layers of a network in one pass, whole or block by block, in float32 or bfloat16."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary

from tfstyle.borders import ZERO_BORDERS, Borders
from tfstyle.networks.layers import POOLINGS, FrozenConvolution, standardised_to_caffe
from tfstyle.networks.network import Network
from tfstyle.networks.topology import block_of
from tfstyle.precision import FLOAT32
from tfstyle.tensorflow_backend import tf

Extractor = Callable[[tf.Tensor], dict[str, tf.Tensor]]
POOLED = "pooled"
"""Name of the map that a segment of the network passes to the next block."""


def extractor(
    network: Network,
    layers: Sequence[str],
    pooling: str = "max",
    precision: str = FLOAT32,
    borders: Borders = ZERO_BORDERS,
) -> Extractor:
    """A function from [1, H, W, 3] standardised RGB, float32, to {layer: [1, h, w, c]}, after the ReLU.

    The features have the type `precision`, except those of the first convolution, which are float32: it takes little
    time, and bfloat16 would round the picture to fewer colours than 8 bits have. The function ends at the deepest of
    `layers`. `pooling` is "max" or "average"; `borders` lie around the picture and every map.
    """
    return segment(network, 1, max(map(block_of, layers)), layers, pooling, precision, borders)


def segment(
    network: Network,
    first: int,
    last: int,
    layers: Sequence[str],
    pooling: str,
    precision: str,
    borders: Borders,
    *,
    pooled: bool = False,
) -> Extractor:
    """A function of the blocks `first` to `last`, from the map that enters them, to {layer: [1, h, w, c]}.

    Layers outside these blocks are ignored. With `pooled`, the map that enters the next block is also an output,
    under the name `POOLED`; otherwise the function ends at the deepest layer.
    """
    names = [name for name in network.layers if first <= block_of(name) <= last]
    inside = [name for name in names if name in layers]
    if not pooled:
        names = names[: names.index(inside[-1]) + 1]
    precisions = {name: FLOAT32 if name == network.layers[0] else precision for name in names}
    convolutions = {name: _convolution(network, name, precisions[name]) for name in names}
    pool = POOLINGS[pooling]

    def extract(entering: tf.Tensor) -> dict[str, tf.Tensor]:
        x = standardised_to_caffe(entering) if first == 1 and network.caffe_input else entering
        features = {}
        block = first
        for name, convolution in convolutions.items():
            if block_of(name) > block:
                x = pool(x)
                block = block_of(name)
            x = features[name] = convolution(tf.cast(x, precisions[name]), borders)
        features = {name: features[name] for name in inside}
        if pooled:
            features[POOLED] = pool(x)
        return features

    return extract


_made: WeakKeyDictionary[Network, dict[tuple[str, str], FrozenConvolution]] = WeakKeyDictionary()
"""{network: {(layer, precision): convolution}}, for as long as the network is in use."""


def _convolution(network: Network, name: str, precision: str) -> FrozenConvolution:
    """The convolution `name`, which all extractors of one network and precision share."""
    own = _made.setdefault(network, {})
    if (name, precision) not in own:
        *kernels, bias = network.weights[name]
        own[name, precision] = FrozenConvolution(kernels, bias, precision)
    return own[name, precision]
