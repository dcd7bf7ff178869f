"""vgg19-lite, the network that ships with tfstyle: VGG19's topology and layers with kernels of low rank.

It is made by the programs in `training/`; its model card is `vgg19_lite.md` in this folder.
"""

from __future__ import annotations

import hashlib
import io
from importlib.resources import files

import numpy as np

from tfstyle.errors import WeightsError
from tfstyle.networks.at_hand import LITE_DIGEST_FILE, LITE_FILE
from tfstyle.networks.network import LayerMetric, Network
from tfstyle.networks.topology import LITE_CONVOLUTIONS, VGG19_CHANNELS, block_of


def load_lite() -> Network:
    """The shipped network, in float32. Raises `WeightsError` if the installed file is damaged."""
    package = files("tfstyle.networks")
    data = package.joinpath(LITE_FILE).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != package.joinpath(LITE_DIGEST_FILE).read_text("ascii").strip():
        raise WeightsError(f"network: the installed {LITE_FILE} is damaged; reinstall tfstyle")
    return lite_network(data, digest, "shipped with tfstyle")


def lite_network(data: bytes, digest: str, origin: str) -> Network:
    """The network in `data`, the bytes of an .npz file.

    Its arrays, for each convolution NAME, are NAME/reduce [c_in, r] (optional), NAME/kernel [3, 3, r, s], NAME/expand
    [s, c_out] (optional), NAME/bias [c_out], and NAME/read_out [c_out, C] if the features do not correspond one to one
    to the C channels of VGG19.
    """
    weights, metrics = {}, {}
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name].astype(np.float32) for name in file.files}
    for name in LITE_CONVOLUTIONS:
        links = [arrays.get(f"{name}/{link}") for link in ("reduce", "kernel", "expand")]
        kernels = [link if link.ndim == 4 else link[None, None] for link in links if link is not None]
        weights[name] = (*kernels, arrays[f"{name}/bias"])
        read_out = arrays.get(f"{name}/read_out")
        channels = VGG19_CHANNELS[block_of(name) - 1]
        metrics[name] = LayerMetric(channels, read_out)
    return Network("vgg19-lite", origin, digest, weights, metrics, caffe_input=False)
