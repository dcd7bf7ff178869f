"""The engine: loads networks, prepares transfers, and reuses compiled objectives for later pictures.

Data flows in one direction: decoded pictures -> features -> targets -> optimisation -> delivered picture.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfstyle.checkpoint import Checkpoint
from tfstyle.colour import standardise
from tfstyle.errors import InvalidInputError, Violation
from tfstyle.images import Picture, decode, encode_png, fit_longer_side, resize
from tfstyle.inputs import File, Inputs, Style, inputs_from_files
from tfstyle.losses import Loss, loss_from_options
from tfstyle.masks import BlockWeights
from tfstyle.memory import (
    Demand,
    Estimate,
    available_memory,
    bytes_needed,
    choose_whole_from,
    multiplication_rate,
    seconds_needed,
)
from tfstyle.networks.choice import Choice, choose_network, load_network
from tfstyle.networks.network import Network
from tfstyle.objective import Objective, Targets, WholeObjective
from tfstyle.options import ORIGINAL_SIZE, RULES, TransferOptions, lite_violations, resolve_options
from tfstyle.pyramid import Pyramid
from tfstyle.tensorflow_backend import require_tensorflow, tf
from tfstyle.tiled.objective import TiledObjective
from tfstyle.transfer import Delivered, Iterate, Plan, Stage, Transfer

MASK_TOLERANCE = 0.02
"""Maximum relative difference between the aspect ratios of a mask and its picture."""


class Engine:
    """Keeps the loaded networks and the latest compiled objectives, and prepares transfers with them.

    `weights` is the path of VGG19's weights; None to search for them. At most `keep` compiled objectives are kept.
    `memory` limits the bytes that a transfer may take: a number, or a function that is called when a transfer is
    prepared; None for the memory that is free then. Not thread-safe. Raises `TfstyleError` if Keras runs on
    another backend than TensorFlow.
    """

    def __init__(
        self, weights: str | None = None, keep: int = 2, memory: int | Callable[[], int] | None = None
    ) -> None:
        require_tensorflow()
        self._weights = weights
        self._keep = keep
        self._memory = available_memory if memory is None else memory
        self._networks: dict[str, Network] = {}
        self._objectives: OrderedDict[tuple[object, ...], Objective] = OrderedDict()
        self._dropped = 0

    @property
    def compilations(self) -> int:
        """Number of compilations so far. XLA never frees compiled code, so long-lived processes watch this number."""
        return self._dropped + sum(objective.compilations for objective in self._objectives.values())

    def network(self, name: str) -> tuple[Choice, Network]:
        """The choice for the option value `name`, and that network, loaded once. Raises `WeightsError`."""
        choice = choose_network(name, self._weights)
        if choice.name not in self._networks:
            self._networks[choice.name] = load_network(choice, self._weights)
        return choice, self._networks[choice.name]

    def prepare(self, inputs: Inputs[Picture], options: TransferOptions, resume: Checkpoint | None = None) -> Transfer:
        """Load the networks, resize the pictures and compute the targets; nothing is optimised yet.

        A picture that is too large for the available memory is tiled, with the same result up to rounding. `resume`
        is a checkpoint to continue from, bit for bit as long as the memory allows the same tiling.
        Raises `InvalidInputError` if pictures or layers do not fit the options, or if the memory is insufficient,
        `WeightsError`, and `CheckpointError` if `resume` belongs to another transfer.
        """
        choice, network = self.network(options.network)
        if network.name == "vgg19-lite" and (violations := lite_violations(options)):
            raise InvalidInputError(violations)
        steps = [(network, options.max_evaluations - options.lite_evaluations)]
        if options.lite_evaluations:
            steps.insert(0, (self.network("vgg19-lite")[1], options.lite_evaluations))
        grey = all(picture.grey for name, picture in inputs.pictures() if not name.endswith(".mask"))
        resized = _resized(inputs, options)
        if grey:
            resized = resized.map(lambda _, picture: picture.in_grey())
        width, height = resized.content.size
        loss = loss_from_options(options)
        demand = Demand(
            Pyramid(height, width, options.pyramid_levels, options.pyramid_decay),
            max(style.picture.size[0] * style.picture.size[1] for style in resized.styles),
            loss.terms,
            options,
            grey,
        )
        estimate = self._estimate(steps, demand, resume)
        photo = standardise(resized.content.pixels)
        paintings = [(share, *_weighted_painting(name, style)) for share, name, style in _styles(resized)]
        stages = []
        for each, evaluations in steps:
            objective = self._objective(each, demand, loss, estimate.whole_from)
            styles = [(share, objective.style_targets(image, weights)) for share, image, weights in paintings]
            targets = {**objective.content_targets(photo), **_blend(styles)}
            stages.append(Stage(each, objective, targets, evaluations))
        warnings = tuple(f"{name}: {text}" for name, picture in inputs.pictures() for text in picture.warnings)
        transfer = Transfer(
            Plan(options, choice, loss, stages, resized.content, grey, _digest(resized), estimate, warnings)
        )
        if resume is not None:
            transfer.restore(resume)
        return transfer

    def _estimate(self, steps: Sequence[tuple[Network, int]], demand: Demand, resume: Checkpoint | None) -> Estimate:
        available = self._memory() if callable(self._memory) else self._memory
        whole_from = max(choose_whole_from(network, demand, available) for network, _ in steps)
        if resume is not None:
            former = resume.notes["whole_from"]
            if max(bytes_needed(network, demand, former) for network, _ in steps) <= available:
                whole_from = former
        return Estimate(
            max(bytes_needed(network, demand, whole_from) for network, _ in steps),
            seconds_needed(steps, demand.pyramid, whole_from, multiplication_rate()),
            whole_from,
        )

    def _objective(self, network: Network, demand: Demand, loss: Loss, whole_from: int) -> Objective:
        terms, pooling = demand.terms, demand.options.pooling
        key = (network.digest, demand.pyramid, whole_from, tuple(terms.items()), pooling)
        if key not in self._objectives:
            self._objectives[key] = (
                TiledObjective(network, demand.pyramid, whole_from, terms, pooling)
                if whole_from > 1
                else WholeObjective(network, demand.pyramid, terms, pooling)
            )
        self._objectives.move_to_end(key)
        while len(self._objectives) > self._keep:
            _, dropped = self._objectives.popitem(last=False)
            self._dropped += dropped.compilations
        return self._objectives[key]


def _resized(inputs: Inputs[Picture], options: TransferOptions) -> Inputs[Picture]:
    """The pictures at the sizes at which the network processes them; masks at the size of their style picture."""
    content = inputs.content
    longer = options.size
    if longer == ORIGINAL_SIZE:
        longer, most = max(content.size), RULES["size"].maximum
        if most is not None and longer > most:
            why = f"the content picture is {content.size[0]} x {content.size[1]} pixels; sizes go up to {most:g}"
            raise InvalidInputError([Violation("size", why)])
    size = fit_longer_side(content.size, longer, "content")
    styles = []
    for _, name, style in _styles(inputs):
        style_size = (
            size
            if options.style_fit == "stretch"
            else fit_longer_side(style.picture.size, round(longer * options.style_scale), name)
        )
        mask = style.mask
        if mask is not None:
            _check_aspect_ratio(f"{name}.mask", mask, style.picture)
            mask = resize(mask, style_size)
        styles.append(Style(resize(style.picture, style_size), style.weight, mask))
    return Inputs(resize(content, size), tuple(styles))


def _styles(inputs: Inputs[Picture]) -> list[tuple[float, str, Style[Picture]]]:
    """(share, name in messages, style) of each style."""
    names = [name for name, _ in inputs.pictures() if name != "content" and not name.endswith(".mask")]
    return list(zip(inputs.shares, names, inputs.styles, strict=True))


def _check_aspect_ratio(name: str, mask: Picture, picture: Picture) -> None:
    (width, height), (other_width, other_height) = mask.size, picture.size
    if abs(width * other_height / (height * other_width) - 1) > MASK_TOLERANCE:
        why = f"is {width} x {height} pixels; it needs the aspect ratio of its picture, {other_width} x {other_height}"
        raise InvalidInputError([Violation(name, why)])


def _weighted_painting(name: str, style: Style[Picture]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """The style picture [1, h, w, 3], standardised, and the weights [h, w] of its pixels; None if all are 1."""
    weights = style.picture.visibility
    if style.mask is not None:
        mask = style.mask.pixels.mean(2, dtype=np.float32) / np.float32(255)
        weights = mask if weights is None else mask * weights
    if weights is not None and BlockWeights(weights).empty:
        what = f"{name}.mask" if style.mask is not None else name
        raise InvalidInputError([Violation(what, "leaves no part of the style picture to take the style from")])
    return standardise(style.picture.pixels), weights


def _blend(styles: Sequence[tuple[float, Targets]]) -> Targets:
    """The targets of several styles, averaged by their shares."""
    if len(styles) == 1:
        return styles[0][1]
    blended: Targets = tf.nest.map_structure(
        lambda *values: tf.add_n([share * value for (share, _), value in zip(styles, values, strict=True)]),
        *(targets for _, targets in styles),
    )
    return blended


def _digest(inputs: Inputs[Picture]) -> str:
    """SHA-256, in hexadecimal, of everything in the pictures that the result depends on."""
    digest = hashlib.sha256()
    for name, picture in inputs.pictures():
        for array in (picture.pixels, picture.alpha):
            if array is not None:
                digest.update(f"{name} {array.shape} ".encode())
                digest.update(np.ascontiguousarray(array).data)
    digest.update(repr(inputs.shares).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Stylized:
    """The result of `stylize`: `png` bytes, the delivered picture with its losses, the network and the options used."""

    png: bytes
    delivered: Delivered
    network: Network
    options: TransferOptions


def stylize(
    content: File,
    style: File | Style[File] | Iterable[File | Style[File]],
    *,
    preset: str = "default",
    weights: str | None = None,
    on_iterate: Callable[[Iterate], None] | None = None,
    **overrides: object,
) -> Stylized:
    """Repaint the photo `content` in the style of the painting `style`, both the bytes of picture files.

    `style` may be several `Style` records with weights and masks. `preset` and `overrides` are as in `resolve_options`;
    `weights` is the path of VGG19's weights; `on_iterate` is called after each evaluation. Raises `InvalidInputError`,
    `WeightsError`.
    """
    options = resolve_options(preset, overrides)
    inputs = inputs_from_files(content, style).map(lambda name, data: decode(data, name))
    transfer = Engine(weights).prepare(inputs, options)
    for iterate in transfer.iterates():
        if on_iterate is not None:
            on_iterate(iterate)
    delivered = transfer.deliver()
    return Stylized(encode_png(delivered.picture), delivered, transfer.network, options)
