"""vgg19-lite: the network that ships. VGG19's topology with a fraction of its channels.

Fitted in closed form by `training/fit_lite.py`; the model card is `vgg19_lite.md` beside this file.
"""

from __future__ import annotations

import hashlib
import io
from importlib.resources import files

import numpy as np

from tfstyle.errors import WeightsError
from tfstyle.networks.network import LayerMetric, Network
from tfstyle.networks.topology import LITE_CONVOLUTIONS, VGG19_CHANNELS, block_of

FILE = "vgg19_lite.npz"
DIGEST_FILE = "vgg19_lite.sha256"


def load_lite() -> Network:
    """The shipped network, in float32. Raises `WeightsError` where the installed file is damaged."""
    package = files("tfstyle.networks")
    data = package.joinpath(FILE).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != package.joinpath(DIGEST_FILE).read_text("ascii").strip():
        raise WeightsError(f"network: the installed {FILE} is damaged; reinstall tfstyle")
    return lite_network(data, digest, "shipped with tfstyle")


def lite_network(data: bytes, digest: str, origin: str) -> Network:
    """The network in the bytes of an .npz: per convolution NAME its NAME/kernel, NAME/bias and NAME/metric."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        weights = {
            name: (arrays[f"{name}/kernel"].astype(np.float32), arrays[f"{name}/bias"].astype(np.float32))
            for name in LITE_CONVOLUTIONS
        }
        metrics = {
            name: LayerMetric(VGG19_CHANNELS[block_of(name) - 1], arrays[f"{name}/metric"].astype(np.float32))
            for name in LITE_CONVOLUTIONS
        }
    return Network("vgg19-lite", origin, digest, weights, metrics, caffe_input=False)
