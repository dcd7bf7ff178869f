"""The engine: loads networks, prepares transfers, and reuses traced objectives for later pictures.

Data flows in one direction: decoded pictures -> features -> targets -> optimisation -> delivered picture.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfstyle.checkpoint import Checkpoint
from tfstyle.colour import standardise
from tfstyle.errors import InvalidInputError
from tfstyle.images import Picture, decode, encode_png
from tfstyle.inputs import File, Inputs, Style, inputs_from_files
from tfstyle.losses import Loss, loss_from_options, relative, split_loss_from_options
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
from tfstyle.objective import Objective, WholeObjective, matched_terms, style_targets
from tfstyle.options import COARSE_SCALES, LAYER_WEIGHTS, TransferOptions, lite_violations, resolve_options
from tfstyle.precision import choose_precision
from tfstyle.pyramid import Pyramid
from tfstyle.scaled_inputs import ScaledInputs, digest, fitting_schedule, scaled_inputs
from tfstyle.tensorflow_backend import tf
from tfstyle.tiled.objective import TiledObjective
from tfstyle.transfer import Delivered, Iterate, Plan, Problem, Stage, Transfer

SPLIT_ROUND = 10
"""Evaluations after which the neighbours of single layers are chosen anew."""


class Engine:
    """Keeps the loaded networks and the latest traced objectives, and prepares transfers with them.

    `weights` is the path of VGG19's weights; None to search for them. At most `keep` objectives are kept.
    `memory` limits the bytes that a transfer may take: a number, or a function that is called when a transfer is
    prepared; None for the memory that is free then. Not thread-safe.
    """

    def __init__(
        self, weights: str | None = None, keep: int = 24, memory: int | Callable[[], int] | None = None
    ) -> None:
        self._weights = weights
        self._keep = keep
        self._memory = available_memory if memory is None else memory
        self._networks: dict[str, Network] = {}
        self._objectives: OrderedDict[tuple[object, ...], Objective] = OrderedDict()
        self._dropped = 0

    @property
    def traces(self) -> int:
        """Number of functions traced so far.

        TensorFlow does not free their memory, so long-lived processes watch this number.
        """
        return self._dropped + sum(objective.traces for objective in self._objectives.values())

    def network(self, name: str) -> tuple[Choice, Network]:
        """The choice for the option value `name`, and that network, loaded once. Raises `WeightsError`."""
        choice = choose_network(name, self._weights)
        if choice.name not in self._networks:
            self._networks[choice.name] = load_network(choice, self._weights)
        return choice, self._networks[choice.name]

    def prepare(self, inputs: Inputs[Picture], options: TransferOptions, resume: Checkpoint | None = None) -> Transfer:
        """Load the networks and resize the pictures for every scale; nothing is computed from them yet.

        A picture that is too large for the available memory is tiled, with the same result up to rounding. `resume`
        is a checkpoint to continue from, bit for bit as long as the memory allows the same tiling.
        Raises `InvalidInputError` if pictures or layers do not fit the options, or if the memory is insufficient,
        `WeightsError`, and `CheckpointError` if `resume` belongs to another transfer.
        """
        choice, network = self.network(options.network)
        precision = choose_precision(options.precision)
        if network.name == "vgg19-lite" and (violations := lite_violations(options)):
            raise InvalidInputError(violations)
        lite = self.network("vgg19-lite")[1] if options.lite_evaluations else network
        grey = all(picture.grey for name, picture in inputs.pictures() if not name.endswith(".mask"))
        steps = [
            _Step(each, scaled, _demand(scaled, loss, options, precision.name, grey), loss, evaluations)
            for each, scaled, loss, evaluations in self._divided(inputs, options, network, lite, grey)
        ]
        former = None if resume is None else resume.notes.get("whole_from")
        estimate = self._estimate(steps, former)
        stages = [
            Stage(
                step.network,
                step.demand.pyramid,
                step.evaluations,
                step.inputs.content.alpha,
                partial(self._problem, step, whole_from),
                remembers=bool(matched_terms(step.demand.terms)),
            )
            for step, whole_from in zip(steps, estimate.whole_from, strict=True)
        ]
        warnings = tuple(f"{name}: {text}" for name, picture in inputs.pictures() for text in picture.warnings)
        transfer = Transfer(
            Plan(options, choice, precision, stages, steps[0].inputs.content, grey, digest(inputs), estimate, warnings)
        )
        if resume is not None:
            transfer.restore(resume)
        return transfer

    @staticmethod
    def _divided(
        inputs: Inputs[Picture], options: TransferOptions, network: Network, lite: Network, grey: bool
    ) -> Iterator[tuple[Network, ScaledInputs, Loss, int]]:
        """Network, pictures, loss and evaluations of each stage."""
        scales = fitting_schedule(inputs, options)
        coarse = sum(scale.evaluations for scale in scales[:-1])
        lite_left = coarse if options.lite_evaluations == COARSE_SCALES else options.lite_evaluations
        loss = loss_from_options(options)
        for scale in scales:
            scaled = scaled_inputs(inputs, options, scale.size, grey)
            on_lite = min(scale.evaluations, max(0, lite_left))
            lite_left -= on_lite
            for each, evaluations in ((lite, on_lite), (network, scale.evaluations - on_lite)):
                if evaluations > 0:
                    yield each, scaled, loss, evaluations
        for done in range(0, options.split_evaluations, SPLIT_ROUND):
            evaluations = min(SPLIT_ROUND, options.split_evaluations - done)
            yield network, scaled, split_loss_from_options(options), evaluations

    def _estimate(self, steps: Sequence[_Step], former: object) -> Estimate:
        """The estimate, with the tiling of a `former` run (`Estimate.whole_from`) if it still fits into memory."""
        available = self._memory() if callable(self._memory) else self._memory
        # The largest scale first, because an error names its size.
        whole_from = [choose_whole_from(step.network, step.demand, available) for step in reversed(steps)][::-1]
        # A former release wrote one number; `restore` rejects its checkpoints.
        if isinstance(former, list) and len(former) == len(steps):
            needs = [bytes_needed(step.network, step.demand, each) for step, each in zip(steps, former, strict=True)]
            if max(needs) <= available:
                whole_from = list(former)
        chosen = list(zip(steps, whole_from, strict=True))
        rate = multiplication_rate(steps[0].demand.precision)
        return Estimate(
            max(bytes_needed(step.network, step.demand, each) for step, each in chosen),
            sum(seconds_needed(step.network, step.demand, each, step.evaluations, rate) for step, each in chosen),
            tuple(whole_from),
        )

    def _problem(self, step: _Step, whole_from: int, start: NDArray[np.float32] | None) -> Problem:
        """Compute the targets of a stage. Its objective is traced when it is first called."""
        objective = self._objective(step, whole_from)
        content, loss = standardise(step.inputs.content.pixels), step.loss
        metrics = step.network.metrics
        styles = (
            (painting.share, objective.style_statistics(painting.image, painting.weights))
            for painting in step.inputs.paintings
        )
        targets = {
            **objective.content_targets(content),
            **style_targets(step.demand.terms, _blend(styles), metrics),
        }
        for name, term in matched_terms(step.demand.terms).items():
            # Such a picture is never tiled, and its stage remembers its start.
            assert isinstance(objective, WholeObjective)
            assert start is not None
            query = term.query(content, start)
            found = (
                (painting.share, objective.match(term, query, painting.views)) for painting in step.inputs.paintings
            )
            targets[name] = _blend(found)
        if step.demand.options.balance == "relative":
            loss = relative(loss, targets, metrics)
        return Problem(objective, targets, loss)

    def _objective(self, step: _Step, whole_from: int) -> Objective:
        network, pyramid, terms, pooling = (
            step.network,
            step.demand.pyramid,
            step.demand.terms,
            step.demand.options.pooling,
        )
        # Factors of single layers are arguments of the function, which is traced again where there are others. Those of
        # hypercolumns belong to their term.
        factors = step.demand.options.balance, *(bool(getattr(step.demand.options, name)) for name in LAYER_WEIGHTS)
        key = (network.digest, pyramid, whole_from, tuple(terms.items()), pooling, step.demand.precision, factors)
        if key not in self._objectives:
            self._objectives[key] = (
                TiledObjective(network, pyramid, whole_from, terms, pooling, step.demand.precision)
                if whole_from > 1
                else WholeObjective(network, pyramid, terms, pooling, step.demand.precision)
            )
        self._objectives.move_to_end(key)
        while len(self._objectives) > self._keep:
            _, dropped = self._objectives.popitem(last=False)
            self._dropped += dropped.traces
        return self._objectives[key]


@dataclass(frozen=True)
class _Step:
    """What a stage of a transfer is made from."""

    network: Network
    inputs: ScaledInputs
    demand: Demand
    loss: Loss
    evaluations: int


def _demand(inputs: ScaledInputs, loss: Loss, options: TransferOptions, precision: str, grey: bool) -> Demand:
    width, height = inputs.content.size
    pyramid = Pyramid(height, width, options.pyramid_levels, options.pyramid_decay)
    sizes = [painting.picture.size for painting in inputs.paintings]
    largest = max(width * height for width, height in sizes)
    return Demand(pyramid, largest, loss.terms, options, precision, grey, len(sizes))


def _blend(styles: Iterable[tuple[float, Any]]) -> Any:
    """The targets of several styles, averaged by their shares; only two are held at once."""
    blended = None
    for share, targets in styles:
        scaled = tf.nest.map_structure(partial(tf.multiply, np.float32(share)), targets)
        blended = scaled if blended is None else tf.nest.map_structure(tf.add, blended, scaled)
    return blended


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
    return Stylized(encode_png(delivered.picture, transfer.texts), delivered, transfer.network, options)
