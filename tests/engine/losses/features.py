"""Small feature maps for the tests of feature terms."""

from __future__ import annotations

import numpy as np

from tfstyle.networks.network import LayerMetric

RANDOM = np.random.default_rng(5)
FEATURES = {"a": RANDOM.random((1, 4, 6, 3), np.float32), "b": RANDOM.random((1, 2, 3, 4), np.float32)}
OTHERS = {"a": RANDOM.random((1, 4, 6, 3), np.float32), "b": RANDOM.random((1, 2, 3, 4), np.float32)}
PLAIN = {"a": LayerMetric(3), "b": LayerMetric(4)}
READ_OUT = RANDOM.normal(size=(3, 10))
"""The linear map from 3 channels to the 10 of an imitated network."""
IMITATING = {"a": LayerMetric(10, READ_OUT.astype(np.float32))}
LEFT = np.zeros((1, 4, 6, 1), np.float32)
LEFT[:, :, :2] = 1
