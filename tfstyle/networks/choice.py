"""Choose and load the network that the options name."""

from __future__ import annotations

import dataclasses

from tfstyle.networks.lite import load_lite
from tfstyle.networks.network import Network
from tfstyle.networks.vgg19 import HOW_TO_GET, load_vgg19, path_at_hand


def load_network(name: str = "auto", weights: str | None = None) -> Network:
    """The network `name` ("auto", "vgg19" or "vgg19-lite"), loaded.

    "auto" takes VGG19 where its weights are at hand without a download (`weights`, else
    TFSTYLE_WEIGHTS, else Keras' cache), else vgg19-lite; its note says which, and how to get the other.
    Raises `WeightsError`.
    """
    if name == "vgg19-lite":
        return load_lite()
    if name == "vgg19":
        return load_vgg19(weights)
    if path_at_hand(weights) is None:
        return dataclasses.replace(
            load_lite(), note=f"network vgg19-lite: the one that ships. For VGG19 itself, {HOW_TO_GET}"
        )
    network = load_vgg19(weights)
    return dataclasses.replace(
        network, note=f"network vgg19 from {network.origin}; for the small, fast one take --network vgg19-lite"
    )
