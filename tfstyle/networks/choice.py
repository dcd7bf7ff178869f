"""Choose the network by the option `network`, and load it."""

from __future__ import annotations

from dataclasses import dataclass

from tfstyle.networks.at_hand import HOW_TO_GET, path_at_hand
from tfstyle.networks.lite import load_lite
from tfstyle.networks.network import Network
from tfstyle.networks.vgg19 import load_vgg19


@dataclass(frozen=True)
class Choice:
    """The `name` of a network, "vgg19" or "vgg19-lite"; `note` explains an automatic choice in one line."""

    name: str
    note: str = ""


def choose_network(name: str = "auto", weights: str | None = None) -> Choice:
    """Resolve `name` ("auto", "vgg19" or "vgg19-lite") to a network, without loading it.

    "auto" chooses VGG19 if its weights are available without a download (`weights`, else TFSTYLE_WEIGHTS, else Keras'
    cache), otherwise vgg19-lite; the note says which was chosen and how to get the other. Raises `WeightsError` if a
    given file does not exist.
    """
    if name != "auto":
        return Choice(name)
    file = path_at_hand(weights)
    if file is None:
        return Choice("vgg19-lite", f"network vgg19-lite, which ships with tfstyle. For VGG19 itself, {HOW_TO_GET}")
    return Choice("vgg19", f"network vgg19 from {file}; for the small, fast network use --network vgg19-lite")


def load_network(choice: Choice, weights: str | None = None) -> Network:
    """The chosen network, loaded; `weights` as in `choose_network`. Raises `WeightsError`."""
    return load_lite() if choice.name == "vgg19-lite" else load_vgg19(weights)
