"""The engine: loads networks, prepares transfers, and reuses traced objectives for later pictures.

Data flows in one direction: decoded pictures -> features -> targets -> optimisation -> delivered picture.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfstyle.checkpoint import Checkpoint
from tfstyle.colour import standardise
from tfstyle.device import current_device
from tfstyle.errors import InvalidInputError, Violation
from tfstyle.exhaustion import explained_exhaustion
from tfstyle.images import Picture, decode
from tfstyle.inputs import File, Inputs, Size, Style, Temporal, inputs_from_files
from tfstyle.iterate import Delivered, Iterate
from tfstyle.layout import (
    Outline,
    Step,
    demand_of,
    estimate_of,
    fitting_layout,
    former_layouts,
    replaced_losses,
    rounded_sides,
)
from tfstyle.losses import Loss, loss_from_options, relative, split_loss_from_options
from tfstyle.machine_memory import available_memory, has_gpu
from tfstyle.memory import starts
from tfstyle.networks.choice import Choice, choose_network, load_network
from tfstyle.networks.network import Network
from tfstyle.objective import (
    Kept,
    Objective,
    WholeObjective,
    matched_terms,
)
from tfstyle.objective_key import ObjectiveKey, key_of
from tfstyle.optimizers import Vector
from tfstyle.options import COARSE_SCALES, TransferOptions, lite_violations
from tfstyle.precision import choose_precision
from tfstyle.presets import resolve_options
from tfstyle.provenance import Source
from tfstyle.recent import Recent
from tfstyle.regions import count_regions
from tfstyle.scaled_inputs import (
    ScaledInputs,
    check_shapes,
    digest,
    fitting_schedule,
    in_painted_colours,
    is_grey,
    scaled_inputs,
    scaled_sizes,
    sizes_of,
)
from tfstyle.stage import Problem, Stage
from tfstyle.starts import start_image
from tfstyle.targets import targets_of
from tfstyle.tiled.crew import Crew
from tfstyle.tiled.objective import TiledObjective
from tfstyle.tiled.spread import is_spread
from tfstyle.transfer import Plan, Transfer

TRACING_SECONDS = 1.0
"""Time to trace the loss, once for all sizes (measured: 0.3 to 1.2, for that of features alone)."""
SIZE_SECONDS = 0.2
"""Time to prepare operations, once for each size (measured: up to 0.3; 0.1 to 0.4 when pyramids were traced for it)."""
GPU_SIZE_SECONDS = 2.0
"""The same on a GPU, with the choice of cuDNN's algorithms (estimated: with a trace for each size, an H100 took 3)."""
REGION_TRACING_SECONDS = 0.4
"""Time to trace the loss of features for each region in addition (measured: 0.4 to 0.6)."""
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
        self._objectives: OrderedDict[ObjectiveKey, Objective] = OrderedDict()
        self._dropped = 0
        self._recent = Recent()

    @property
    def traces(self) -> int:
        """How often something was traced or prepared for a size so far.

        TensorFlow and oneDNN do not free that memory, so long-lived processes watch this number.
        """
        return self._dropped + sum(objective.traces for objective in self._objectives.values())

    def network(self, name: str) -> tuple[Choice, Network]:
        """The choice for the option value `name`, and that network, loaded once. Raises `WeightsError`."""
        choice = choose_network(name, self._weights)
        if choice.name not in self._networks:
            self._networks[choice.name] = load_network(choice, self._weights)
        return choice, self._networks[choice.name]

    def outline(
        self,
        sizes: Inputs[Size],
        options: TransferOptions,
        *,
        grey: bool = False,
        regions: int = 0,
        available: int | None = None,
        resume: Checkpoint | None = None,
    ) -> Outline:
        """What a transfer of pictures of these sizes would be, and what it would cost. No picture is needed.

        `grey` says whether the picture is made in grey, `regions` how many regions have styles of their own;
        `available` are the bytes that it may take, by default what the engine has now. Raises as `prepare` does.
        """
        check_shapes(sizes)
        choice, network = self.network(options.network)
        precision = choose_precision(options.precision)
        if network.name == "vgg19-lite" and (violations := lite_violations(options)):
            raise InvalidInputError(violations)
        lite = self.network("vgg19-lite")[1] if options.lite_evaluations else network
        if available is None:
            available = self._memory() if callable(self._memory) else self._memory
        demand = partial(demand_of, options=options, precision=precision.name, grey=grey, regions=regions)
        choices = []
        for each, longer, losses, evaluations in self._divided(sizes, options, network, lite):
            scaled = scaled_sizes(sizes, options, longer)
            choices.append(
                {name: Step(each, longer, demand(scaled, loss), loss, evaluations) for name, loss in losses.items()}
            )
        layouts = None if resume is None else former_layouts(resume, choices, available)
        if layouts is None:
            # The largest scale first, because an error names its size.
            layouts = [fitting_layout(steps, available) for steps in reversed(choices)][::-1]
        steps = tuple(steps[layout.style_loss] for steps, layout in zip(choices, layouts, strict=True))
        warnings = (*rounded_sides(sizes, steps[-1]), *replaced_losses(choices, layouts, available))
        estimate = estimate_of(steps, layouts)
        keys = {key_of(step, layout.whole_from, regions) for step, layout in zip(steps, layouts, strict=True)}
        new = keys - self._objectives.keys()
        untraced = {key.of_features for key in keys} - {key.of_features for key in self._objectives}
        once, own = TRACING_SECONDS + REGION_TRACING_SECONDS * regions, GPU_SIZE_SECONDS if has_gpu() else SIZE_SECONDS
        tracing = once * len(untraced) + own * len(new)
        estimate = replace(estimate, seconds=estimate.seconds + tracing, tracing=tracing)
        return Outline(choice, precision, current_device(), steps, estimate, warnings)

    def prepare(
        self,
        inputs: Inputs[Picture],
        options: TransferOptions,
        resume: Checkpoint | None = None,
        crew: Crew | None = None,
    ) -> Transfer:
        """Load the networks and resize the pictures for every scale; nothing is computed from them yet.

        A picture that is too large for the available memory is tiled, with the same result up to rounding; `style_loss`
        auto takes another style loss there, and a warning says so. `resume` is a checkpoint to continue from, bit for
        bit as long as the memory allows the same style losses and tiling, and the crew has the same size. The parties
        of `crew` compute the stages that have enough windows for it; it must last as long as the transfer.
        Raises `InvalidInputError` if pictures, which must be decoded to `colour_space`, or layers do not fit the
        options, or if the memory is insufficient, `WeightsError`, and `CheckpointError` if `resume` belongs to another
        transfer; `OutOfMemoryError`.
        """
        with explained_exhaustion(lambda: _shortage(inputs)):
            return self._prepare(inputs, options, resume, crew)

    def _prepare(
        self, inputs: Inputs[Picture], options: TransferOptions, resume: Checkpoint | None, crew: Crew | None
    ) -> Transfer:
        _check_colour_space(inputs, options)
        grey = is_grey(in_painted_colours(inputs, options))
        outline = self.outline(sizes_of(inputs), options, grey=grey, regions=count_regions(inputs), resume=resume)
        scaled = {
            longer: scaled_inputs(inputs, options, longer, grey)
            for longer in dict.fromkeys(step.longer for step in outline.steps)
        }
        stages = [
            Stage(
                step.network,
                step.demand.pyramid,
                step.evaluations,
                scaled[step.longer].content.alpha,
                partial(self._image, step, scaled[step.longer], layout.whole_from),
                partial(self._problem, step, scaled[step.longer], layout.whole_from, crew),
                remembers=bool(matched_terms(step.demand.terms)),
                colours=scaled[step.longer].colours,
            )
            for step, layout in zip(outline.steps, outline.estimate.layouts, strict=True)
        ]
        about_pictures = (f"{name}: {text}" for name, picture in inputs.pictures() for text in picture.warnings)
        transfer = Transfer(
            Plan(
                options,
                outline.choice,
                outline.precision,
                outline.device,
                stages,
                start_image(scaled[outline.steps[0].longer], options, grey),
                grey,
                digest(inputs),
                outline.estimate,
                (*about_pictures, *outline.warnings),
                tuple(_sources(inputs)),
                inputs.content.taken,
            )
        )
        if resume is not None:
            transfer.restore(resume)
        return transfer

    @staticmethod
    def _divided(
        sizes: Inputs[Size], options: TransferOptions, network: Network, lite: Network
    ) -> Iterator[tuple[Network, int, dict[str, Loss], int]]:
        """Network, longer side, the losses to choose from by their `style_loss`, and evaluations of each stage."""
        scales = fitting_schedule(sizes, options)
        coarse = sum(scale.evaluations for scale in scales[:-1])
        lite_left = coarse if options.lite_evaluations == COARSE_SCALES else options.lite_evaluations
        earlier = len(sizes.temporal)
        losses = {
            style_loss: loss_from_options(options, style_loss, earlier=earlier) for style_loss in options.style_losses
        }
        for scale in scales:
            on_lite = min(scale.evaluations, max(0, lite_left))
            lite_left -= on_lite
            for each, evaluations in ((lite, on_lite), (network, scale.evaluations - on_lite)):
                if evaluations > 0:
                    yield each, scale.size, losses, evaluations
        for done in range(0, options.split_evaluations, SPLIT_ROUND):
            evaluations = min(SPLIT_ROUND, options.split_evaluations - done)
            split = split_loss_from_options(options, earlier=earlier)
            yield network, scales[-1].size, {**losses, "neighbours": split}, evaluations

    def _image(self, step: Step, inputs: ScaledInputs, whole_from: int, variables: Vector) -> NDArray[np.float32]:
        """The standardised picture of a stage at its `variables`; nothing is computed from the pictures of `inputs`."""
        objective = self._objective(step, whole_from, len(inputs.regions), inputs.keep is not None, None)
        return objective.image(variables, _kept(inputs))

    def _problem(
        self,
        step: Step,
        inputs: ScaledInputs,
        whole_from: int,
        crew: Crew | None,
        start: NDArray[np.float32] | None,
    ) -> Problem:
        """Compute the targets of a stage. Its objective is traced when it is first called."""
        terms, metrics, loss = step.demand.terms, step.network.metrics, step.loss
        relatively = step.demand.options.balance == "relative"
        kept = _kept(inputs)
        objective = self._objective(step, whole_from, len(inputs.regions), kept is not None, crew)
        # Parties add up sums in another order than one process does.
        of = key_of(step, whole_from), None if crew is None else crew.size

        def recent(key: Hashable, compute: Callable[[], Any]) -> Any:
            return self._recent.of((of, key), compute)

        targets = targets_of(objective, terms, inputs, start, metrics, recent, relative=relatively)
        return Problem(objective, targets, relative(loss, targets, metrics) if relatively else loss, kept)

    def _objective(self, step: Step, whole_from: int, regions: int, keeps: bool, crew: Crew | None) -> Objective:
        network, pyramid, terms = step.network, step.demand.pyramid, step.demand.terms
        pooling, padding = step.demand.options.pooling, step.demand.options.padding
        if crew is not None and is_spread(crew, network, pyramid, terms, padding):
            self._dropped += 1  # not kept, since the crew ends with the transfer
            how = terms, pooling, step.demand.precision, padding
            return TiledObjective(network, pyramid, starts(terms)[-1], *how, crew)
        key = key_of(step, whole_from, regions, keeps)
        if key not in self._objectives:
            self._objectives[key] = (
                TiledObjective(network, pyramid, whole_from, terms, pooling, step.demand.precision, padding)
                if whole_from > 1
                else WholeObjective(network, pyramid, terms, pooling, step.demand.precision, padding)
            )
        self._objectives.move_to_end(key)
        while len(self._objectives) > self._keep:
            _, dropped = self._objectives.popitem(last=False)
            self._dropped += dropped.traces
        return self._objectives[key]


def _kept(inputs: ScaledInputs) -> Kept | None:
    """What stays of the content picture."""
    if inputs.keep is None:
        return None
    return Kept(inputs.keep[None, :, :, None], standardise(inputs.content.pixels))


def _shortage(inputs: Inputs[Picture]) -> str:
    """What to tell whose memory ran out before the first evaluation."""
    megapixels = sum(math.prod(picture.size) for _, picture in inputs.pictures()) / 1e6
    return (
        f"memory: this machine had too little to prepare pictures of {megapixels:.1f} megapixels together; choose a "
        "smaller size, or send smaller pictures"
    )


def _sources(inputs: Inputs[Picture]) -> Iterator[Source]:
    """Every picture as a result names it."""
    weights = {name: style.weight for name, style in inputs.named_styles()}
    weights |= {name: earlier.weight for name, earlier in inputs.named_temporal()}
    for name, picture in inputs.pictures():
        yield Source(name, *picture.size, picture.digest, weights.get(name))


def _check_colour_space(inputs: Inputs[Picture], options: TransferOptions) -> None:
    violations = [
        Violation(
            name, f"is decoded to {picture.colour_space}; decode it to {options.colour_space}, as the options say"
        )
        for name, picture in inputs.pictures()
        if picture.colour_space != options.colour_space
    ]
    if violations:
        raise InvalidInputError(violations)


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
    start_picture: File | None = None,
    keep: File | None = None,
    regions: File | None = None,
    temporal: Iterable[Temporal[File]] = (),
    **overrides: object,
) -> Stylized:
    """Repaint the photo `content` in the style of the painting `style`, both the bytes of picture files.

    `style` may be several `Style` records with weights, masks and regions; `start_picture`, `keep`, `regions` and
    `temporal` are as in `Inputs`. `preset` and `overrides` are as in `resolve_options`;
    `weights` is the path of VGG19's weights; `on_iterate` is called after each evaluation. Raises `InvalidInputError`,
    `WeightsError`.
    """
    options = resolve_options(preset, overrides)
    files = inputs_from_files(
        content, style, start_picture=start_picture, keep=keep, regions=regions, temporal=temporal
    )
    inputs = files.map(lambda name, data: decode(data, name, colour_space=options.colour_space))
    transfer = Engine(weights).prepare(inputs, options)
    for iterate in transfer.iterates():
        if on_iterate is not None:
            on_iterate(iterate)
    delivered = transfer.deliver()
    return Stylized(transfer.file(delivered, preset), delivered, transfer.network, options)
