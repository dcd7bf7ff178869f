"""VGG19 with its ImageNet weights: from a file, Keras' cache, or Keras' download."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from tfstyle.errors import WeightsError
from tfstyle.networks.at_hand import HOW_TO_GET, cached_path, path_at_hand
from tfstyle.networks.keras_backend import keras
from tfstyle.networks.network import LayerMetric, Network, Weights
from tfstyle.networks.normalisation import normalise, shipped_mean_activations
from tfstyle.networks.topology import CONVOLUTIONS, VGG19_CHANNELS, block_of


def load_vgg19(path: str | None = None) -> Network:
    """VGG19, normalised to a mean activation of 1 per layer.

    `path` is as in `path_at_hand`. If that finds nothing, Keras downloads the weights (80 MB). Raises `WeightsError`
    if the download fails or the file is not VGG19's.
    """
    file = path_at_hand(path)
    if file is None:
        file = _download()
    return Network(
        name="vgg19",
        origin=str(file),
        digest=hashlib.sha256(file.read_bytes()).hexdigest(),
        weights=normalise(read_weights(file), shipped_mean_activations()),
        metrics={name: LayerMetric(VGG19_CHANNELS[block_of(name) - 1]) for name in CONVOLUTIONS},
        caffe_input=True,
    )


def _download() -> Path:
    try:
        keras.applications.VGG19(include_top=False, weights="imagenet")
    except Exception as error:  # urllib, Keras and the file system raise various types
        raise WeightsError(f"network: VGG19's weights could not be downloaded ({error}); {HOW_TO_GET}") from None
    return cached_path()


def read_weights(file: Path) -> Weights:
    """The raw weights of Keras' VGG19 without top (HDF5): kernels for BGR, 0 to 255, mean subtracted.

    Raises `WeightsError` if the file is not a VGG19 file, is damaged, or contains non-finite numbers.
    """
    try:
        model = keras.applications.VGG19(include_top=False, weights=str(file))
        weights = {name: tuple(model.get_layer(name).get_weights()) for name in CONVOLUTIONS}
    except Exception as error:  # h5py and Keras raise OSError, ValueError, KeyError, IndexError ...
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"weights: {file} is not a readable VGG19 file without top: {reason}") from None
    if not all(np.isfinite(array).all() for pair in weights.values() for array in pair):
        raise WeightsError(f"weights: {file} contains non-finite numbers")
    return weights
