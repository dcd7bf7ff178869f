"""The objective of a picture too large to be seen whole: the same loss and gradient, tile by tile.

The network is cut at its poolings into segments. A map between two segments is kept whole, all
other features only for one window of one segment at a time:

1. forward: each window hands its part of the next map on and adds its part of the Gram matrices;
2. the Gram matrices are now those of the whole picture; their losses' derivatives follow;
3. backward, from the deepest segment: each window is computed again and sends down the gradient
   of the next map, of its content and of the Gram matrices, 2 F dL/dG (Gatys et al. 2016, eq. 6).

The deepest blocks, whose maps are small, are seen whole and need no second pass. Nothing is
approximated: windows overlap by what their edges spoil (`tfstyle.tiling`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tfstyle import banded_pyramid
from tfstyle.losses import ContentLoss, StyleLoss, Synthesis, gram_matrix, sum_of_squares
from tfstyle.networks.network import POOLED, Network
from tfstyle.networks.topology import block_of
from tfstyle.objective import TERMS, Evaluation, Targets
from tfstyle.pyramid import Pyramid
from tfstyle.surface import add_surface
from tfstyle.tiling import Window, margin, poolings_stride, windows

Map = NDArray[np.float32]


@dataclass(frozen=True)
class Cut:
    """A segment of the network: its blocks `first` to `last`; windows own `tile` of its input's pixels a side."""

    first: int
    last: int
    tile: int


CUTS = (Cut(1, 2, 512), Cut(3, 3, 192), Cut(4, 4, 128))
"""Blocks that may be tiled, from the picture down. The first pooled map of all is never kept: it would
be the largest. What lies below block 4 is a 256th of the picture and is always seen whole."""


class Segment:
    """One `Cut` of a network on a map of `size` (height, width), as functions that are compiled once."""

    def __init__(
        self,
        network: Network,
        cut: Cut,
        size: tuple[int, int],
        content_layers: Sequence[str],
        style_layers: Sequence[str],
        pooling: str,
    ) -> None:
        self.cut, self.size = cut, size
        self._network = network
        inside = range(cut.first, cut.last + 1)
        self.content = [name for name in content_layers if block_of(name) in inside]
        self.style = [name for name in style_layers if block_of(name) in inside]
        self._model = network.segment(cut.first, cut.last, (*self.content, *self.style), pooling, pooled=True)
        convolutions = [sum(block_of(name) == block for name in network.layers) for block in inside]
        stride = poolings_stride(len(convolutions), pooled=True)
        sides = [windows(length, cut.tile, margin(convolutions, pooled=True), stride) for length in size]
        self._tiles = list(product(*sides))
        self.next_channels = network.channels_into(cut.last + 1)
        self._forward = tf.function(self._trace_forward, jit_compile=True)
        self._backward = tf.function(self._trace_backward, jit_compile=True)

    @property
    def next_size(self) -> tuple[int, int]:
        """(height, width) of the map that the next segment sees."""
        poolings = self.cut.last - self.cut.first + 1
        return self.size[0] >> poolings, self.size[1] >> poolings

    def positions(self, layer: str) -> int:
        """Height times width of the features of a layer of this segment on the whole map."""
        poolings = block_of(layer) - self.cut.first
        return (self.size[0] >> poolings) * (self.size[1] >> poolings)

    def forward(self, below: Map, content: dict[str, Map] | None = None) -> tuple[Map, dict[str, tf.Tensor]]:
        """The next map and the Gram matrices {layer: [c, c]} of the whole map `below`; the content features
        are put into `content`, where that is given.
        """
        above = np.empty((1, *self.next_size, self.next_channels), np.float32)
        sums: dict[str, Any] = {}
        for rows, columns in self._tiles:
            pooled, grams, features = self._forward(below[:, rows.read, columns.read], rows.mask, columns.mask)
            self._paste(above, pooled, rows, columns, self.cut.last + 1)
            for name, gram in grams.items():
                sums[name] = sums[name] + gram if name in sums else gram
            if content is None:
                continue
            for name, value in features.items():
                if name not in content:
                    poolings = block_of(name) - self.cut.first
                    sides = (side >> poolings for side in self.size)
                    content[name] = np.empty((1, *sides, value.shape[-1]), np.float32)
                self._paste(content[name], value, rows, columns, block_of(name))
        return above, {name: total / self._scale(name) for name, total in sums.items()}

    def backward(
        self,
        below: Map,
        above: Map,
        content: Mapping[str, Map],
        content_weight: float,
        by_gram: Mapping[str, tf.Tensor],
    ) -> tuple[Map, dict[str, float]]:
        """The total's gradient by the map `below`, and the content losses {layer: value} of this segment.

        `above` is the gradient by the next map; `by_gram` {layer: [c, c]} that by the Gram
        matrices; `content` the photo's features of this segment's content layers.
        """
        gradient = np.empty_like(below)
        losses = dict.fromkeys(self.content, 0.0)
        by_sum = {name: by_gram[name] / self._scale(name) for name in self.style}
        for rows, columns in self._tiles:
            squares, own = self._backward(
                below[:, rows.read, columns.read],
                rows.mask,
                columns.mask,
                self._part(above, rows, columns, self.cut.last + 1),
                {name: self._part(content[name], rows, columns, block_of(name)) for name in self.content},
                tf.constant(content_weight, tf.float32),
                by_sum,
            )
            self._paste(gradient, own, rows, columns, self.cut.first)
            for name in self.content:
                losses[name] += float(squares[name])
        return gradient, {name: value / self._scale(name) for name, value in losses.items()}

    def _scale(self, layer: str) -> int:
        return self._network.metrics[layer].channels * self.positions(layer)

    def _part(self, whole: Map, rows: Window, columns: Window, block: int) -> Map:
        rows, columns = (side.halved(block - self.cut.first) for side in (rows, columns))
        return whole[:, rows.read, columns.read]

    def _paste(self, whole: Map, part: tf.Tensor, rows: Window, columns: Window, block: int) -> None:
        rows, columns = (side.halved(block - self.cut.first) for side in (rows, columns))
        whole[:, rows.owned, columns.owned] = np.asarray(part)[:, rows.owned_inside, columns.owned_inside]

    def _mask(self, rows: tf.Tensor, columns: tf.Tensor, layer: str) -> tf.Tensor:
        step = 2 ** (block_of(layer) - self.cut.first)
        rows, columns = (side[: side.shape[0] // step * step : step] for side in (rows, columns))
        return rows[None, :, None, None] * columns[None, None, :, None]

    def _trace_forward(self, below: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> Any:
        features = self._model(below)
        grams = {}
        for name in self.style:
            flat = tf.reshape(features[name] * self._mask(rows, columns, name), [-1, features[name].shape[-1]])
            grams[name] = tf.matmul(flat, flat, transpose_a=True)
        return features[POOLED], grams, {name: features[name] for name in self.content}

    def _trace_backward(
        self,
        below: tf.Tensor,
        rows: tf.Tensor,
        columns: tf.Tensor,
        above: tf.Tensor,
        content: Mapping[str, tf.Tensor],
        content_weight: tf.Tensor,
        by_sum: Mapping[str, tf.Tensor],
    ) -> Any:
        metrics = self._network.metrics
        squares = {}
        with tf.GradientTape() as tape:
            tape.watch(below)
            features = self._model(below)
            # Linear in what comes from above, so its gradient is what the chain rule asks for.
            total = tf.reduce_sum(features[POOLED] * above)
            for name in self.style:
                flat = tf.reshape(features[name], [-1, features[name].shape[-1]])
                total += tf.reduce_sum(tf.matmul(flat, by_sum[name]) * tf.stop_gradient(flat)) * 2
            for name in self.content:
                difference = features[name] - content[name]
                squares[name] = sum_of_squares(difference * self._mask(rows, columns, name), metrics[name])
                total += content_weight / self._scale(name) * sum_of_squares(difference, metrics[name])
        return squares, tape.gradient(total, below)


class TiledNetwork:
    """A network over pictures of `size` (height, width) whose blocks above `whole_from` are tiled.

    `whole_from` is the first block that is seen whole: one that follows one of `CUTS`.
    """

    def __init__(
        self,
        network: Network,
        size: tuple[int, int],
        whole_from: int,
        content_layers: Sequence[str],
        style_layers: Sequence[str],
        pooling: str,
    ) -> None:
        self._network = network
        self.segments: list[Segment] = []
        for cut in CUTS:
            if cut.last < whole_from:
                self.segments.append(Segment(network, cut, size, content_layers, style_layers, pooling))
                size = self.segments[-1].next_size
        self._content = [name for name in content_layers if block_of(name) >= whole_from]
        self._style = [name for name in style_layers if block_of(name) >= whole_from]
        layers = (*self._content, *self._style)
        self._model = network.segment(whole_from, max(map(block_of, layers)), layers, pooling)
        self._seen_whole = tf.function(lambda below: self._model(below), jit_compile=True)
        self._tail = tf.function(self._trace_tail, jit_compile=True)
        self._by_gram = tf.function(self._trace_by_gram)

    def descend(self, image: Map, content: dict[str, Map] | None = None) -> tuple[list[Map], dict[str, Any]]:
        """The map that enters each segment and, last, the part that is seen whole; and the Gram matrices
        {layer: [c, c]} that the segments saw on the way. Their content features {layer: [1, h, w, c]} are put into
        `content`, where that is given: they are as large as maps.
        """
        maps = [image]
        grams: dict[str, Any] = {}
        for segment in self.segments:
            above, segment_grams = segment.forward(maps[-1], content)
            maps.append(above)
            grams |= segment_grams
        return maps, grams

    def content_features(self, image: Map) -> dict[str, Any]:
        """The photo's features {layer: [1, h, w, c]} for the content loss; `image` [1, H, W, 3] standardised."""
        content: dict[str, Map] = {}
        maps, _ = self.descend(image, content)
        seen = self._seen_whole(maps[-1])
        return content | {name: seen[name].numpy() for name in self._content}

    def style_grams(self, image: Map) -> dict[str, Any]:
        """The painting's Gram matrices {layer: [c, c]} for the style loss; `image` [1, H, W, 3] standardised."""
        maps, grams = self.descend(image)
        seen = self._seen_whole(maps[-1])
        return grams | {name: gram_matrix(seen[name], self._network.metrics[name].channels) for name in self._style}

    def losses(
        self, image: Map, targets: Targets, content_weight: float, style_weight: float
    ) -> tuple[dict[str, float], dict[str, float], Map]:
        """Content and style losses by layer before their weights, and their weighted sum's gradient by `image`."""
        maps, grams = self.descend(image)
        weights = tf.constant([content_weight, style_weight], tf.float32)
        content, style, gradient = self._tail(
            maps.pop(),
            {name: targets.content[name] for name in self._content},
            {name: targets.grams[name] for name in self._style},
            weights,
        )
        above: Map = np.asarray(gradient)  # TensorFlow's own memory; numpy() copies
        head_style, by_gram = self._by_gram(grams, {name: targets.grams[name] for name in grams}, weights[1])
        content, style = _numbers(content), _numbers(style) | _numbers(head_style)
        for segment in reversed(self.segments):
            above, losses = segment.backward(maps.pop(), above, targets.content, content_weight, by_gram)
            content |= losses
        return content, style, above

    def _trace_tail(
        self, below: tf.Tensor, content: Mapping[str, tf.Tensor], grams: Mapping[str, tf.Tensor], weights: tf.Tensor
    ) -> Any:
        metrics = self._network.metrics
        with tf.GradientTape() as tape:
            tape.watch(below)
            synthesis = Synthesis(below, self._model(below))
            content_losses = ContentLoss(content, metrics).by_layer(synthesis)
            style_losses = StyleLoss(grams, metrics).by_layer(synthesis)
            total = weights[0] * sum(content_losses.values()) + weights[1] * sum(style_losses.values())
        return content_losses, style_losses, tape.gradient(total, below)

    def _trace_by_gram(
        self, grams: Mapping[str, tf.Tensor], targets: Mapping[str, tf.Tensor], weight: tf.Tensor
    ) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(grams)
            losses = StyleLoss(targets, self._network.metrics).of_grams(grams)
            total = weight * sum(losses.values())
        return losses, tape.gradient(total, grams)


class TiledObjective:
    """What `tfstyle.objective.Objective` is, in bounded memory: the total loss and its gradient.

    `whole_from` as in `TiledNetwork`. The first call of a size compiles (seconds).
    """

    def __init__(
        self,
        network: Network,
        pyramid: Pyramid,
        whole_from: int,
        content_layers: Sequence[str],
        style_layers: Sequence[str],
        pooling: str,
    ) -> None:
        self.pyramid = pyramid
        self._layers = content_layers, style_layers
        self._tile = partial(
            TiledNetwork,
            network,
            whole_from=whole_from,
            content_layers=content_layers,
            style_layers=style_layers,
            pooling=pooling,
        )
        self._tiled = self._tile(size=(pyramid.height, pyramid.width))

    def content_features(self, image: Map) -> dict[str, Any]:
        """The photo's features for `Targets`; `image` [1, H, W, 3] standardised, as large as the picture."""
        return self._tiled.content_features(image)

    def style_grams(self, image: Map) -> dict[str, Any]:
        """The painting's Gram matrices for `Targets`; `image` [1, h, w, 3] standardised, of any size."""
        return self._tile(size=image.shape[1:3]).style_grams(image)

    def image(self, variables: NDArray[np.float32]) -> Map:
        """The picture [1, H, W, 3] for which `variables` [size] stand."""
        return banded_pyramid.image(self.pyramid, variables)

    def __call__(self, variables: NDArray[np.float32], targets: Targets, weights: Sequence[float]) -> Evaluation:
        """Evaluate at `variables` [size]; `weights` are those of `TERMS`, in that order."""
        image = self.image(variables)
        content, style, by_image = self._tiled.losses(image, targets, weights[0], weights[1])
        by_image = np.require(by_image, requirements="W")  # a copy where TensorFlow's own memory is shared
        tv, gamut = add_surface(image, by_image, weights[2], weights[3])
        del image
        gradient = banded_pyramid.adjoint(self.pyramid, by_image)
        parts = {
            name: {layer: seen[layer] for layer in layers}
            for name, seen, layers in zip(TERMS, (content, style), self._layers, strict=False)
        } | {"tv": {"image": tv}, "gamut": {"image": gamut}}
        total = sum(weight * sum(parts[name].values()) for name, weight in zip(TERMS, weights, strict=True))
        return Evaluation(total, parts, gradient)


def _numbers(losses: Mapping[str, tf.Tensor]) -> dict[str, float]:
    return {layer: float(value) for layer, value in losses.items()}
