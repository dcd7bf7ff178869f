"""Measure the mean activation of each VGG19 layer over natural images, by which the network is normalised.

    python training/mean_activations.py --weights VGG19.h5 PHOTO...

Writes tfstyle/networks/vgg19_mean_activations.json. All photos have equal weight; each is used at a longer side of 300
and of 450 pixels. With the shipped numbers the totals of the reference experiment agree with those of the reference
implementation to 3 %.

The shipped numbers come from four landscape photographs (rainier, golden_gate, tubingen, autumn-oak). ImageNet's own
photos, with an object in the middle, give the deep layers a lower weight: block4_conv4 has a mean of 43 there and 34
here. The published loss weights are then not balanced as published (Adam at 150 x 225, step 100: a total of 4.06
instead of the reference implementation's 5.27).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

from tfstyle.colour import standardise
from tfstyle.images import decode, fit_longer_side, resize
from tfstyle.networks.extractor import extractor
from tfstyle.networks.network import LayerMetric, Network
from tfstyle.networks.topology import CONVOLUTIONS, VGG19_CHANNELS, block_of
from tfstyle.networks.vgg19 import read_weights

TARGET = Path(__file__).parents[1] / "tfstyle" / "networks" / "vgg19_mean_activations.json"
LONGER_SIDES = (300, 450)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("photos", type=Path, nargs="+")
    arguments = parser.parse_args()

    metrics = {name: LayerMetric(VGG19_CHANNELS[block_of(name) - 1]) for name in CONVOLUTIONS}
    raw = Network("vgg19", "", "", read_weights(arguments.weights), metrics, caffe_input=True)
    extract = extractor(raw, CONVOLUTIONS)
    rows = []
    for path in arguments.photos:
        photo = decode(path.read_bytes(), path.name)
        for longer in LONGER_SIDES:
            features = extract(standardise(resize(photo, fit_longer_side(photo.size, longer, path.name)).pixels))
            rows.append([float(np.mean(features[name])) for name in CONVOLUTIONS])
    means = dict(zip(CONVOLUTIONS, np.mean(rows, axis=0), strict=True))
    record = {
        "what": "mean post-ReLU activation of Keras' VGG19 (BGR, 0 to 255, mean subtracted) over natural images",
        "made_by": "training/mean_activations.py",
        "photos": [path.stem for path in arguments.photos],
        "longer_sides": LONGER_SIDES,
        "weights_sha256": hashlib.sha256(arguments.weights.read_bytes()).hexdigest(),
        "mean_activations": {name: float(f"{value:.6g}") for name, value in means.items()},
    }
    TARGET.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    for name, value in means.items():
        print(f"{name}  {value:10.4f}")


if __name__ == "__main__":
    main()
