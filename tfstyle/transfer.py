"""A running transfer: optimise step by step, write checkpoints, deliver the picture with whole-numbered samples."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tfstyle
from tfstyle.atomic import new_draft
from tfstyle.blas import without_blas_threads
from tfstyle.checkpoint import Checkpoint, CheckpointError, write_checkpoint
from tfstyle.colour import MEAN, STD, standardise, to_pixels
from tfstyle.colour_matching import relit
from tfstyle.depth import in_depth
from tfstyle.device import Device
from tfstyle.device_variables import DeviceGreyVariables
from tfstyle.errors import InvalidInputError, Violation
from tfstyle.exhaustion import explained_exhaustion
from tfstyle.images import Picture, Taken, encode_png, resize_floats
from tfstyle.iterate import Delivered, Iterate
from tfstyle.losses import Part, Parts
from tfstyle.machine_memory import free_memory, has_gpu
from tfstyle.memory import Estimate
from tfstyle.networks.choice import Choice
from tfstyle.networks.network import Network
from tfstyle.objective import Evaluation
from tfstyle.optimizers import OPTIMIZERS, Vector
from tfstyle.options import NONE, TransferOptions
from tfstyle.precision import Precision
from tfstyle.provenance import Provenance, Source, StageFacts, joined
from tfstyle.provenance_json import provenance_packet
from tfstyle.stage import Problem, Stage
from tfstyle.tensorflow_backend import tf
from tfstyle.variables import ColourVariables, GreyVariables, Variables

START = "start"
"""Name of the picture at which a stage began, among a checkpoint's arrays."""
COPIED_SHARE = 4
"""A checkpoint is written from a copy if the copy takes at most 1/`COPIED_SHARE` of the free memory."""


@dataclass(frozen=True)
class Plan:
    """Everything that a transfer starts from.

    `start` is a standardised picture [1, h, w, 3] of the size of the first stage; `grey` says whether the picture that
    is painted is grey; `digest` identifies all input pictures; `warnings` are warnings about them, one line each;
    `sources` are their files. `taken` says when the photo was, if the result is to say so.
    """

    options: TransferOptions
    choice: Choice
    precision: Precision
    device: Device
    stages: Sequence[Stage]
    start: NDArray[np.float32]
    grey: bool
    digest: str
    estimate: Estimate
    warnings: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    taken: Taken | None = None


class Transfer:
    """A transfer: created by `Engine.prepare`, run by `iterates`, completed by `deliver`."""

    def __init__(self, plan: Plan) -> None:
        self.options = plan.options
        self.choice = plan.choice
        self.precision = plan.precision
        self.device = plan.device
        self.estimate = plan.estimate
        self.warnings = plan.warnings
        self.stages = plan.stages
        self._sources = plan.sources
        self._grey = plan.grey
        self._taken = plan.taken
        stages = [(stage.network.digest, stage.size, stage.evaluations) for stage in plan.stages]
        options = dataclasses.asdict(plan.options)
        del options["metadata"]  # which the computation does not depend on
        facts = (tfstyle.__version__, options, stages, plan.digest)
        self._identity = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        self._opened: tuple[int, Problem] | None = None
        self._begin(0, plan.start)
        self._stepping = threading.Lock()
        """Guards the optimizer and the fields below, which change together between two evaluations."""
        self._made = 0  # evaluations in this stage
        self._evaluations = 0
        self._seconds = 0.0
        self._best: tuple[float, Parts] | None = None

    @property
    def network(self) -> Network:
        """The network of the last stage."""
        return self.stages[-1].network

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the result in pixels."""
        return self.stages[-1].size

    @property
    def evaluations(self) -> int:
        """The number of evaluations made, including those before a resume."""
        return self._evaluations

    @property
    def seconds(self) -> float:
        """The time that the evaluations took, including those before a resume."""
        return self._seconds

    def iterates(self) -> Iterator[Iterate]:
        """Optimise, yielding after every evaluation; the work stops when the caller stops iterating.

        Raises `InvalidInputError` if the loss at the start of a stage is not finite, `OutOfMemoryError`.

        The first evaluation is that of the content picture itself. A stage's first evaluation includes tracing if
        the size is new. A stage ends early if the optimizer cannot improve any further. Losses are those
        of the scale and network in use, so they may rise from one stage to the next.
        """
        with explained_exhaustion(self._shortage):
            yield from self._iterates()

    def _shortage(self) -> str:
        """What to tell whose memory ran out."""
        width, height = self.stages[self._stage].size
        where = self.device.name if self.device.is_gpu else "this machine"
        return (
            f"memory: {where} had too little for {width} x {height} pixels ({self.estimate.memory / 1e9:.1f} GB were "
            "estimated); choose a smaller size, or a lower limit of memory (--memory of the server), which tiles it"
        )

    def _iterates(self) -> Iterator[Iterate]:
        began = time.perf_counter() - self._seconds
        while True:
            number, stage = self._stage, self.stages[self._stage]
            following = number + 1 < len(self.stages)
            warm, cold = 0.0, self._made
            while self._made < stage.evaluations and not self._optimizer.finished:
                trial = self._optimizer.ask()
                evaluation = self._evaluate(trial)
                if self._best is None and not math.isfinite(evaluation.total):
                    why = "gives a loss that is not finite, as a picture of a single colour does with some borders"
                    raise InvalidInputError([Violation("content", f"{why}; set start to noise, or padding to zero")])
                with self._stepping, without_blas_threads():
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
                picture = partial(self._picture, stage, self._variables, point)
                yield Iterate(
                    self._evaluations,
                    self.options.max_evaluations,
                    number + 1,
                    following and (self._made == stage.evaluations or self._optimizer.finished),
                    stage.size,
                    *self._best,
                    self._seconds,
                    None if pace is None else pace * self._evaluations_left(),
                    accepted,
                    picture,
                )
            if not following:
                return
            with self._stepping:
                self._advance()

    def _advance(self) -> None:
        """Go on to the next stage: from the same point if only the network changes, else from the picture, enlarged."""
        stage, following = self.stages[self._stage : self._stage + 2]
        self._made, self._best = 0, None
        if stage.pyramid == following.pyramid:
            self._enter(self._stage + 1, self._image() if following.remembers else None)
            self._optimizer.retarget()
        else:
            self._begin(self._stage + 1, resize_floats(self._image()[0], following.size, following.pyramid.wraps)[None])

    def _begin(self, stage: int, image: NDArray[np.float32]) -> None:
        """Begin a stage with a new optimizer, at the standardised `image` [1, h, w, 3]."""
        self._enter(stage, image)
        pyramid = self.stages[stage].pyramid
        kind, begin = OPTIMIZERS[self.options.optimizer], None
        if has_gpu() and self.estimate.layouts[stage].whole_from == 1:  # tiles are put together on the processor
            begin = kind.begin_on_device
        grey = GreyVariables if begin is None else DeviceGreyVariables
        self._variables: Variables = grey(pyramid) if self._grey else ColourVariables(pyramid)
        self._optimizer = (begin or kind.begin)(self._variables.start(image), self.options)

    def _enter(self, stage: int, image: NDArray[np.float32] | None) -> None:
        """Make `stage`, which begins at the standardised `image`, the current one."""
        self._stage, self._opened = stage, None
        self._start = image if self.stages[stage].remembers else None

    def _image(self) -> NDArray[np.float32]:
        """The standardised picture [1, h, w, 3] at the optimizer's point."""
        return self.stages[self._stage].image(self._variables.expand(self._optimizer.point))

    def checkpoint(self, path: Path) -> int:
        """Write everything that the rest of the run depends on to `path`; returns the number of evaluations so far.

        May be called at any time from another thread. The optimizer's state is copied between two evaluations and
        written afterwards. Only if the copy would take more than a quarter of the free memory, the next step waits for
        the write instead. Raises OSError.
        """
        with new_draft(path.parent) as draft:
            with ExitStack() as stepping:
                stepping.enter_context(self._stepping)
                arrays, notes = self._state()
                if sum(array.nbytes for array in arrays.values()) <= free_memory() // COPIED_SHARE:
                    arrays = {name: array.copy() for name, array in arrays.items()}
                    stepping.close()
                write_checkpoint(draft.file, Checkpoint(arrays, notes))
            draft.publish(path)
        evaluations: int = notes["evaluations"]
        return evaluations

    @property
    def _rounding(self) -> str:
        """To what the objective rounds: the losses of another rounding are not comparable."""
        return f"{self.precision.name}, TF32" if self.device.tf32 else self.precision.name

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """The optimizer's arrays, which are not copied, and everything else as JSON can hold it."""
        state = self._optimizer.state()
        arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
        optimizer = {name: value for name, value in state.items() if name not in arrays}
        if self._start is not None:
            arrays[START] = self._start
        notes = {
            "of": self._identity,
            "layouts": [list(layout) for layout in self.estimate.layouts],
            "precision": self._rounding,
            "optimizer": optimizer,
            "stage": self._stage,
            "made": self._made,
            "evaluations": self._evaluations,
            "seconds": self._seconds,
            "best": self._best and (self._best[0], _parts_to_notes(self._best[1])),
        }
        return arrays, notes

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint: the rest of `iterates` is bit for bit that of the run that wrote it.

        If that run had another precision, or another style loss in this stage because there was more memory, the search
        begins anew from its picture and keeps the curvature.

        Raises `CheckpointError` if the checkpoint belongs to another transfer.
        """
        notes = checkpoint.notes
        if notes.get("of") != self._identity:
            raise CheckpointError("the checkpoint belongs to another transfer, or to another release of tfstyle")
        start = checkpoint.arrays.get(START)
        if "layouts" not in notes or (start is None and self.stages[notes["stage"]].remembers):
            raise CheckpointError("the checkpoint lacks what this release, or this memory, needs to go on from it")
        if notes["stage"] != self._stage:
            width, height = self.stages[notes["stage"]].size
            self._begin(notes["stage"], np.zeros((1, height, width, 3), np.float32))
        if self.stages[self._stage].remembers:
            self._start = start
        with without_blas_threads():
            self._optimizer.restore({**checkpoint.arrays, **notes["optimizer"]})
        self._made, self._evaluations = notes["made"], notes["evaluations"]
        self._seconds = notes["seconds"]
        self._best = notes["best"] and (notes["best"][0], _parts_from_notes(notes["best"][1]))
        former = notes["precision"], notes["layouts"][self._stage][0]
        if former != (self._rounding, self.estimate.layouts[self._stage].style_loss):
            self._optimizer.retarget()
            self._best = None

    def deliver(self) -> Delivered:
        """The current picture at the size and depth of the result, and its losses (one more evaluation).

        Raises `OutOfMemoryError`.
        """
        with explained_exhaustion(self._shortage):
            return self._deliver()

    def _deliver(self) -> Delivered:
        here, last = self.stages[self._stage], self.stages[-1]
        image = self._image()
        if here.size != last.size:
            image = resize_floats(image[0], last.size, last.pyramid.wraps)[None]
        picture = dataclasses.replace(self._shown(image, last, self.options.depth), taken=self._taken)
        evaluation = self.judge(picture)
        return Delivered(picture, evaluation.total, evaluation.parts)

    def provenance(self, preset: str) -> Provenance:
        """How the delivered picture is made. `preset` is the one that was named."""
        stages = [
            StageFacts(stage.network.name, *stage.size, stage.evaluations, layout.style_loss, layout.whole_from)
            for stage, layout in zip(self.stages, self.estimate.layouts, strict=True)
        ]
        return Provenance(
            tfstyle.__version__,
            tf.__version__,
            str(self.device),
            preset,
            dataclasses.asdict(self.options),
            self.precision.name,
            {stage.network.name: stage.network.digest for stage in self.stages},
            joined(stages),
            self._sources,
        )

    def file(self, delivered: Delivered, preset: str) -> bytes:
        """The PNG that the user receives, which says how it was made unless the option `metadata` is "none"."""
        if self.options.metadata == NONE:
            return encode_png(dataclasses.replace(delivered.picture, taken=None))
        made = self.provenance(preset)
        texts = {
            "Software": f"tfstyle {made.version}",
            "Comment": f"network {made.network}, precision {made.precision}",
        }
        return encode_png(delivered.picture, texts, provenance_packet(made))

    def judge(self, picture: Picture) -> Evaluation:
        """The losses of any `picture` of this `size` under the targets and weights of the last stage.

        Neighbours are those of that stage's start; before it, they are chosen for the picture itself.
        """
        last = self.stages[-1]
        image = standardise((picture if last.colours is None else picture.in_luma()).pixels)
        variables = last.pyramid.variables(image)
        if last.remembers and self._stage < len(self.stages) - 1:
            return last.problem(image).judge(variables)
        return self._problem(len(self.stages) - 1).judge(variables)

    def _problem(self, stage: int) -> Problem:
        """The problem of a stage. Only the latest one is kept, since targets of a large picture take memory."""
        if self._opened is None or self._opened[0] != stage:
            self._opened = None
            self._opened = stage, self.stages[stage].problem(self._start)
        return self._opened[1]

    def _evaluate(self, variables: Vector) -> Evaluation:
        evaluation = self._problem(self._stage)(self._variables.expand(variables))
        return dataclasses.replace(evaluation, gradient=self._variables.gradient(evaluation.gradient))

    def _evaluations_left(self) -> float:
        """The remaining work, in evaluations of the network in use."""
        here, *later = self.stages[self._stage :]
        left = sum(stage.evaluations * stage.work / here.work for stage in later)
        return here.evaluations - self._made + left

    def _picture(
        self,
        stage: Stage,
        variables: Variables,
        point: Vector,
    ) -> Picture:
        return self._shown(stage.image(variables.expand(point)), stage, 8)

    def _shown(self, image: NDArray[np.float32], stage: Stage, depth: int) -> Picture:
        if stage.colours is not None:
            colours = standardise(stage.colours.pixels)[0] * STD + MEAN
            luma = np.clip(image[0, ..., 1] * STD[1] + MEAN[1], 0, 1)
            image = ((relit(colours, luma) - MEAN) / STD)[None]
        pixels = to_pixels(image, depth)
        if self._grey and stage.colours is None:  # the channels are equal up to rounding
            pixels = np.repeat(pixels[..., 1:2], 3, axis=2)
        alpha = None if stage.alpha is None else in_depth(stage.alpha, depth)
        return Picture(pixels, alpha, colour_space=self.options.colour_space)


def _parts_to_notes(parts: Parts) -> dict[str, Any]:
    return {name: [dict(part.by_layer), part.weighted] for name, part in parts.items()}


def _parts_from_notes(notes: dict[str, Any]) -> Parts:
    return {name: Part(by_layer, weighted) for name, (by_layer, weighted) in notes.items()}
