"""The transfer itself: decoded pictures -> features -> targets -> optimise -> delivered picture."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tfstyle.adam import Adam
from tfstyle.colour import standardise, to_pixels
from tfstyle.errors import InvalidInputError
from tfstyle.images import Picture, decode, encode_png, fit_longer_side, resize
from tfstyle.lbfgs import LBFGS
from tfstyle.memory import available_memory, bytes_needed, choose_whole_from, multiplication_rate, seconds_needed
from tfstyle.networks.choice import Choice, choose_network, load_network
from tfstyle.networks.network import Network
from tfstyle.objective import Evaluation, Objective, Parts, Targets
from tfstyle.options import TransferOptions, lite_violations, resolve_options
from tfstyle.pyramid import Pyramid
from tfstyle.tiled_objective import TiledObjective


@dataclass(frozen=True)
class Iterate:
    """What is known after one evaluation.

    `evaluation` counts from 1, of `steps` planned. `total` and `losses` are those of the best point
    so far: a trial that the line search refused (`accepted` False) does not show. `losses` are
    before their weights, by part and layer. `seconds` are since the run began, `remaining` those that
    are expected to be left (None after a network's first evaluation, which may compile). `picture()` makes
    the 8-bit picture that has these losses; it costs a pass over the pixels, and is valid at any time.
    """

    evaluation: int
    steps: int
    total: float
    losses: Parts
    seconds: float
    remaining: float | None
    accepted: bool
    picture: Callable[[], Picture]


@dataclass(frozen=True)
class Delivered:
    """The 8-bit `picture` that a person gets; `total` and `losses` are measured on it, not inside the optimiser."""

    picture: Picture
    total: float
    losses: Parts


@dataclass(frozen=True)
class Stage:
    """`steps` evaluations in a row on one network: what is computed, and what towards."""

    network: Network
    objective: Objective | TiledObjective
    targets: Targets
    steps: int


@dataclass(frozen=True)
class Estimate:
    """What a transfer will take: bytes of `memory` at its peak, `seconds` of evaluations without compiling.

    `tiled` where the picture is too large to be seen whole.
    """

    memory: int
    seconds: float
    tiled: bool


class Transfer:
    """One picture in the making: made by `Engine.prepare`, run by `iterates`, ended by `deliver`."""

    def __init__(
        self, options: TransferOptions, choice: Choice, stages: Sequence[Stage], content: Picture, estimate: Estimate
    ) -> None:
        self.options = options
        self.choice = choice
        self.estimate = estimate
        self._stages = stages
        self._alpha = content.alpha
        self._weights = (options.content_weight, options.style_weight, options.tv_weight, options.gamut_weight)
        self._optimiser = self._begin(self._objective.pyramid.variables(standardise(content.pixels)))

    @property
    def network(self) -> Network:
        """The network that has the last word on the picture."""
        return self._stages[-1].network

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the result in pixels."""
        return self._objective.pyramid.width, self._objective.pyramid.height

    def iterates(self) -> Iterator[Iterate]:
        """Optimise, yielding after every evaluation; whoever stops asking has stopped the work.

        The first evaluation is that of the photo itself; a network's first includes the compilation
        where the size is new. Ends before `steps` only where the optimiser can get no further.
        Losses are those of the network in use: where the second takes over they may rise.
        """
        began = time.perf_counter()
        number = 0
        for index, stage in enumerate(self._stages):
            if index:
                self._optimiser.retarget()
            best: Evaluation | None = None
            point = self._optimiser.point
            warm = 0.0
            for made in range(1, stage.steps + 1):
                number += 1
                trial = self._optimiser.trial
                evaluation = stage.objective(trial, stage.targets, self._weights)
                accepted = self._optimiser.tell(evaluation.total, evaluation.gradient)
                if accepted or best is None:
                    best, point = evaluation, trial
                now = time.perf_counter()
                warm = warm or now
                pace = (now - warm) / (made - 1) if made > 1 else None
                yield Iterate(
                    number,
                    self.options.steps,
                    best.total,
                    best.parts,
                    now - began,
                    None if pace is None else pace * self._evaluations_left(index, made),
                    accepted,
                    lambda point=point: self._picture(point),  # type: ignore[misc]
                )
                if self._optimiser.finished:
                    break

    def deliver(self) -> Delivered:
        """The picture as it stands, and its losses in 8 bits (one more evaluation)."""
        picture = self._picture(self._optimiser.point)
        evaluation = self.judge(picture)
        return Delivered(picture, evaluation.total, evaluation.parts)

    def judge(self, picture: Picture) -> Evaluation:
        """The losses of any `picture` of this `size` under this transfer's targets and weights."""
        return self._evaluate(self._objective.pyramid.variables(standardise(picture.pixels)))

    def _evaluations_left(self, index: int, made: int) -> float:
        """What is to do after `made` evaluations of a stage, in evaluations of its network."""
        here, *later = self._stages[index:]
        return here.steps - made + sum(stage.steps * stage.network.work / here.network.work for stage in later)

    @property
    def _objective(self) -> Objective | TiledObjective:
        return self._stages[-1].objective

    def _begin(self, start: NDArray[np.float32]) -> LBFGS | Adam:
        options = self.options
        if options.optimiser == "lbfgs":
            return LBFGS(start, options.history)
        return Adam(start, options.learning_rate, options.learning_rate_decay, options.learning_rate_decay_every)

    def _evaluate(self, variables: NDArray[np.float32]) -> Evaluation:
        return self._objective(variables, self._stages[-1].targets, self._weights)

    def _picture(self, variables: NDArray[np.float32]) -> Picture:
        image = self._objective.pyramid.image(tf.constant(variables)).numpy()
        return Picture(to_pixels(image), self._alpha)


class Engine:
    """Holds what outlives one picture: loaded networks and the last compiled objectives.

    `weights` is the path of VGG19's weights, where they are to be taken from a file. At most
    `keep` compiled objectives are held. `memory` is how many bytes a transfer may take; None for
    what is free when it is prepared. Not for use by two threads at once.
    """

    def __init__(self, weights: str | None = None, keep: int = 2, memory: int | None = None) -> None:
        self._weights = weights
        self._keep = keep
        self._memory = memory
        self._networks: dict[str, Network] = {}
        self._objectives: OrderedDict[tuple[object, ...], Objective | TiledObjective] = OrderedDict()
        self.compilations = 0
        """Objectives made so far. XLA never frees what it compiled, so a long-lived process watches this."""

    def network(self, name: str) -> tuple[Choice, Network]:
        """What the options' network `name` stands for, and that network, loaded once. Raises `WeightsError`."""
        choice = choose_network(name, self._weights)
        if choice.name not in self._networks:
            self._networks[choice.name] = load_network(choice, self._weights)
        return choice, self._networks[choice.name]

    def prepare(self, content: Picture, style: Picture, options: TransferOptions) -> Transfer:
        """Load the networks, resize both pictures, compute the targets; nothing is optimised yet.

        A picture too large to be seen whole in the memory at hand is tiled, with the same result.
        Raises `InvalidInputError` where the pictures or layers do not suit the options or the
        memory does not suffice, `WeightsError`.
        """
        choice, network = self.network(options.network)
        if network.name == "vgg19-lite" and (violations := lite_violations(options)):
            raise InvalidInputError(violations)
        plan = [(network, options.steps - options.lite_steps)]
        if options.lite_steps:
            plan.insert(0, (self.network("vgg19-lite")[1], options.lite_steps))
        size = fit_longer_side(content.size, options.size, "content")
        style_size = (
            size
            if options.style_fit == "stretch"
            else fit_longer_side(style.size, round(options.size * options.style_scale), "style")
        )
        pyramid = Pyramid(size[1], size[0], options.pyramid_levels, options.pyramid_decay)
        available = available_memory() if self._memory is None else self._memory
        needs = pyramid, style_size[0] * style_size[1], options
        whole_from = max(choose_whole_from(network, *needs, available) for network, _ in plan)
        estimate = Estimate(
            max(bytes_needed(network, *needs, whole_from) for network, _ in plan),
            seconds_needed(plan, pyramid, whole_from, multiplication_rate()),
            whole_from > 1,
        )
        content = resize(content, size)
        photo, painting = standardise(content.pixels), standardise(resize(style, style_size).pixels)
        stages = []
        for network, steps in plan:
            objective = self._objective(network, pyramid, whole_from, options)
            targets = Targets(objective.content_features(photo), objective.style_grams(painting))
            stages.append(Stage(network, objective, targets, steps))
        return Transfer(options, choice, stages, content, estimate)

    def _objective(
        self, network: Network, pyramid: Pyramid, whole_from: int, options: TransferOptions
    ) -> Objective | TiledObjective:
        layers = options.content_layers, options.style_layers
        key = (network.digest, pyramid, whole_from, *layers, options.pooling)
        if key not in self._objectives:
            self._objectives[key] = (
                TiledObjective(network, pyramid, whole_from, *layers, options.pooling)
                if whole_from > 1
                else Objective(network, pyramid, *layers, options.pooling)
            )
            self.compilations += 1
        self._objectives.move_to_end(key)
        while len(self._objectives) > self._keep:
            self._objectives.popitem(last=False)
        return self._objectives[key]


@dataclass(frozen=True)
class Stylized:
    """The end of a transfer: `png` bytes, the delivered picture's losses, the network and the options used."""

    png: bytes
    delivered: Delivered
    network: Network
    options: TransferOptions


def stylize(
    content: bytes,
    style: bytes,
    *,
    preset: str = "default",
    weights: str | None = None,
    on_iterate: Callable[[Iterate], None] | None = None,
    **overrides: object,
) -> Stylized:
    """Repaint the photo `content` in the style of the painting `style` (PNG, JPEG or WebP bytes).

    `preset` and `overrides` as in `TransferOptions`; `weights` is the path of VGG19's weights;
    `on_iterate` is called after each evaluation. Raises `InvalidInputError`, `WeightsError`.
    """
    options = resolve_options(preset, overrides)
    pictures = decode(content, "content"), decode(style, "style")
    transfer = Engine(weights).prepare(*pictures, options)
    for iterate in transfer.iterates():
        if on_iterate is not None:
            on_iterate(iterate)
    delivered = transfer.deliver()
    return Stylized(encode_png(delivered.picture), delivered, transfer.network, options)
