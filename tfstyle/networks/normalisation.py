"""Scale every layer of VGG19 to a mean activation of 1 without changing what the network computes.

ReLU and pooling commute with a positive factor. So a convolution can be divided by the mean activation `a` of its layer
if the next convolution multiplies by `a`:

    kernel_l' = kernel_l * a_(l-1) / a_l        bias_l' = bias_l / a_l

One number per layer, not one per filter as in Gatys et al. 2016: a filter that is hardly ever active would be scaled up
a thousandfold and dominate the content loss.
"""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np

from tfstyle.networks.network import Weights


def shipped_mean_activations() -> dict[str, float]:
    """Mean post-ReLU activation of each convolution of Keras' VGG19 over natural images.

    Measured by `training/mean_activations.py`, which writes the file read here.
    """
    text = files("tfstyle.networks").joinpath("vgg19_mean_activations.json").read_text("utf-8")
    return {name: float(value) for name, value in json.loads(text)["mean_activations"].items()}


def normalise(weights: Weights, mean_activations: dict[str, float]) -> Weights:
    """The same network with features divided, layer by layer, by `mean_activations`."""
    normalised = {}
    below = 1.0
    for name, (kernel, bias) in weights.items():
        here = mean_activations[name]
        normalised[name] = (kernel * np.float32(below / here), bias / np.float32(here))
        below = here
    return normalised
