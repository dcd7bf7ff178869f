"""The transfer itself: decoded pictures -> features -> targets -> optimise -> delivered picture."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tfstyle
from tfstyle.adam import Adam
from tfstyle.checkpoint import Checkpoint, CheckpointError, publish, write_draft
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

    `evaluation` counts from 1, of at most `max_evaluations`. `total` and `losses` are those of the best point
    so far: a trial that the line search refused (`accepted` False) does not show. `losses` are
    before their weights, by part and layer. `seconds` are since the run began, `remaining` those that
    are expected to be left (None after a network's first evaluation, which may compile). `picture()` makes
    the 8-bit picture that has these losses; it costs a pass over the pixels, and is valid at any time.
    """

    evaluation: int
    max_evaluations: int
    total: float
    losses: Parts
    seconds: float
    remaining: float | None
    accepted: bool
    picture: Callable[[], Picture]


@dataclass(frozen=True)
class Delivered:
    """The 8-bit `picture` that a person gets; `total` and `losses` are measured on it, not inside the optimizer."""

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

    `whole_from` is the first block of the network that is not tiled.
    """

    memory: int
    seconds: float
    whole_from: int

    @property
    def tiled(self) -> bool:
        """Whether the picture is too large to be seen whole."""
        return self.whole_from > 1


class Transfer:
    """One picture in the making: made by `Engine.prepare`, run by `iterates`, ended by `deliver`."""

    def __init__(
        self,
        options: TransferOptions,
        choice: Choice,
        stages: Sequence[Stage],
        content: Picture,
        style: Picture,
        estimate: Estimate,
    ) -> None:
        self.options = options
        self.choice = choice
        self.estimate = estimate
        self._stages = stages
        self._alpha = content.alpha
        plan = [(stage.network.digest, stage.steps) for stage in stages]
        pictures = [hashlib.sha256(picture.pixels.tobytes()).hexdigest() for picture in (content, style)]
        facts = (tfstyle.__version__, dataclasses.asdict(options), plan, content.size, pictures)
        self._identity = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        self._weights = (options.content_weight, options.style_weight, options.tv_weight, options.gamut_weight)
        self._optimizer = self._begin(self._objective.pyramid.variables(standardise(content.pixels)))
        self._stepping = threading.Lock()  # who has it sees the optimizer and these between two evaluations
        self._stage = 0
        self._made = 0  # evaluations of this stage
        self._evaluations = 0
        self._seconds = 0.0
        self._best: tuple[float, Parts] | None = None

    @property
    def network(self) -> Network:
        """The network that has the last word on the picture."""
        return self._stages[-1].network

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the result in pixels."""
        return self._objective.pyramid.width, self._objective.pyramid.height

    @property
    def evaluations(self) -> int:
        """How many have been made."""
        return self._evaluations

    @property
    def seconds(self) -> float:
        """What the evaluations have taken, in this process and in those before it."""
        return self._seconds

    def iterates(self) -> Iterator[Iterate]:
        """Optimise, yielding after every evaluation; whoever stops asking has stopped the work.

        The first evaluation is that of the photo itself; a network's first includes the compilation
        where the size is new. Ends before `steps` only where the optimizer can get no further.
        Losses are those of the network in use: where the second takes over they may rise.
        """
        began = time.perf_counter() - self._seconds
        while self._stage < len(self._stages):
            stage = self._stages[self._stage]
            warm, cold = 0.0, self._made
            while self._made < stage.steps and not self._optimizer.finished:
                trial = self._optimizer.trial
                evaluation = stage.objective(trial, stage.targets, self._weights)
                with self._stepping:
                    accepted = self._optimizer.tell(evaluation.total, evaluation.gradient)
                    if accepted or self._best is None:
                        self._best = evaluation.total, evaluation.parts
                    self._made += 1
                    self._evaluations += 1
                    now = time.perf_counter()
                    self._seconds = now - began
                warm = warm or now
                since = self._made - cold - 1
                pace = (now - warm) / since if since else None
                point = trial if accepted else self._optimizer.point
                yield Iterate(
                    self._evaluations,
                    self.options.max_evaluations,
                    *self._best,
                    self._seconds,
                    None if pace is None else pace * self._evaluations_left(),
                    accepted,
                    lambda point=point: self._picture(point),  # type: ignore[misc]
                )
            with self._stepping:
                self._stage, self._made, self._best = self._stage + 1, 0, None
                if self._stage < len(self._stages):
                    self._optimizer.retarget()

    def checkpoint(self, path: Path) -> int:
        """Write all that the rest of the run depends on to `path`; gives the evaluations made so far.

        May be called at any time from another thread: the next step waits while memory is copied, an
        evaluation and the disk are waited for by nobody.
        Raises OSError.
        """
        with self._stepping:
            state = self._optimizer.state()
            arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
            notes = {
                "of": self._identity,
                "whole_from": self.estimate.whole_from,
                "optimizer": {name: value for name, value in state.items() if name not in arrays},
                "stage": self._stage,
                "made": self._made,
                "evaluations": self._evaluations,
                "seconds": self._seconds,
                "best": self._best,
            }
            draft = write_draft(path, Checkpoint(arrays, notes))
            evaluations = self._evaluations
        publish(draft, path)
        return evaluations

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from where another process was: the rest of `iterates` is bit for bit what it would have made.

        Raises `CheckpointError` where the checkpoint is that of another transfer.
        """
        notes = checkpoint.notes
        if notes.get("of") != self._identity:
            raise CheckpointError("the checkpoint is that of another transfer, or of another release of tfstyle")
        self._optimizer.restore({**checkpoint.arrays, **notes["optimizer"]})
        self._stage, self._made, self._evaluations = notes["stage"], notes["made"], notes["evaluations"]
        self._seconds = notes["seconds"]
        self._best = None if notes["best"] is None else (notes["best"][0], notes["best"][1])

    def deliver(self) -> Delivered:
        """The picture as it stands, and its losses in 8 bits (one more evaluation)."""
        picture = self._picture(self._optimizer.point)
        evaluation = self.judge(picture)
        return Delivered(picture, evaluation.total, evaluation.parts)

    def judge(self, picture: Picture) -> Evaluation:
        """The losses of any `picture` of this `size` under this transfer's targets and weights."""
        return self._evaluate(self._objective.pyramid.variables(standardise(picture.pixels)))

    def _evaluations_left(self) -> float:
        """What is still to do, in evaluations of the network in use."""
        here, *later = self._stages[self._stage :]
        return here.steps - self._made + sum(stage.steps * stage.network.work / here.network.work for stage in later)

    @property
    def _objective(self) -> Objective | TiledObjective:
        return self._stages[-1].objective

    def _begin(self, start: NDArray[np.float32]) -> LBFGS | Adam:
        options = self.options
        if options.optimizer == "lbfgs":
            return LBFGS(start, options.history_size)
        return Adam(start, options.learning_rate, options.learning_rate_decay, options.learning_rate_decay_every)

    def _evaluate(self, variables: NDArray[np.float32]) -> Evaluation:
        return self._objective(variables, self._stages[-1].targets, self._weights)

    def _picture(self, variables: NDArray[np.float32]) -> Picture:
        return Picture(to_pixels(self._objective.image(variables)), self._alpha)


class Engine:
    """Holds what outlives one picture: loaded networks and the last compiled objectives.

    `weights` is the path of VGG19's weights, where they are to be taken from a file. At most
    `keep` compiled objectives are held. `memory` is how many bytes a transfer may take, or a function that tells
    when it is prepared; None for what is free then. Not for use by two threads at once.
    """

    def __init__(
        self, weights: str | None = None, keep: int = 2, memory: int | Callable[[], int] | None = None
    ) -> None:
        self._weights = weights
        self._keep = keep
        self._memory = available_memory if memory is None else memory
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

    def prepare(
        self, content: Picture, style: Picture, options: TransferOptions, resume: Checkpoint | None = None
    ) -> Transfer:
        """Load the networks, resize both pictures, compute the targets; nothing is optimised yet.

        A picture too large to be seen whole in the memory at hand is tiled, with the same result but for
        rounding. `resume` is where to go on, to the bit as long as the memory allows the tiling of then.
        Raises `InvalidInputError` where the pictures or layers do not suit the options or the
        memory does not suffice, `WeightsError`, and `CheckpointError` if `resume` is another transfer's.
        """
        choice, network = self.network(options.network)
        if network.name == "vgg19-lite" and (violations := lite_violations(options)):
            raise InvalidInputError(violations)
        plan = [(network, options.max_evaluations - options.lite_evaluations)]
        if options.lite_evaluations:
            plan.insert(0, (self.network("vgg19-lite")[1], options.lite_evaluations))
        size = fit_longer_side(content.size, options.size, "content")
        style_size = (
            size
            if options.style_fit == "stretch"
            else fit_longer_side(style.size, round(options.size * options.style_scale), "style")
        )
        pyramid = Pyramid(size[1], size[0], options.pyramid_levels, options.pyramid_decay)
        available = self._memory() if callable(self._memory) else self._memory
        needs = pyramid, style_size[0] * style_size[1], options
        whole_from = max(choose_whole_from(network, *needs, available) for network, _ in plan)
        if (
            resume is not None
            and max(bytes_needed(n, *needs, resume.notes["whole_from"]) for n, _ in plan) <= available
        ):
            whole_from = resume.notes["whole_from"]
        estimate = Estimate(
            max(bytes_needed(network, *needs, whole_from) for network, _ in plan),
            seconds_needed(plan, pyramid, whole_from, multiplication_rate()),
            whole_from,
        )
        content, style = resize(content, size), resize(style, style_size)
        photo, painting = standardise(content.pixels), standardise(style.pixels)
        stages = []
        for network, steps in plan:
            objective = self._objective(network, pyramid, whole_from, options)
            targets = Targets(objective.content_features(photo), objective.style_grams(painting))
            stages.append(Stage(network, objective, targets, steps))
        transfer = Transfer(options, choice, stages, content, style, estimate)
        if resume is not None:
            transfer.restore(resume)
        return transfer

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
