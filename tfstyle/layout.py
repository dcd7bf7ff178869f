"""The layout of a transfer's stages: the style loss and the tiling that the memory allows in each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tfstyle.borders import SIDE_STEP, wraps_of
from tfstyle.checkpoint import Checkpoint
from tfstyle.device import Device
from tfstyle.images import fit_longer_side
from tfstyle.inputs import Inputs, Size
from tfstyle.losses import Loss
from tfstyle.memory import (
    Demand,
    Estimate,
    Layout,
    bytes_needed,
    choose_whole_from,
    fitting_whole_from,
    least_bytes,
    multiplication_rate,
    seconds_needed,
)
from tfstyle.networks.choice import Choice
from tfstyle.networks.network import Network
from tfstyle.options import TransferOptions
from tfstyle.precision import Precision
from tfstyle.pyramid import Pyramid
from tfstyle.scaled_inputs import ScaledSizes


@dataclass(frozen=True)
class Step:
    """What a stage of a transfer is: `evaluations` of `loss` on a network, at the scale of `longer` pixels."""

    network: Network
    longer: int
    demand: Demand
    loss: Loss
    evaluations: int


@dataclass(frozen=True)
class Outline:
    """A transfer as far as it is known from the sizes of its pictures. `warnings` are one line each."""

    choice: Choice
    precision: Precision
    device: Device
    steps: tuple[Step, ...]
    estimate: Estimate
    warnings: tuple[str, ...]


Choices = Mapping[str, Step]
"""{style loss: what a stage is then made from}, the first choice first."""


def fitting_layout(choices: Choices, available: int) -> Layout:
    """The first style loss that fits into `available` bytes, with minimal tiling. Raises `InvalidInputError`."""
    *preferred, last = choices.items()
    for style_loss, step in preferred:
        if (whole_from := fitting_whole_from(step.network, step.demand, available)) is not None:
            return Layout(style_loss, whole_from)
    style_loss, step = last
    return Layout(style_loss, choose_whole_from(step.network, step.demand, available))


def former_layouts(checkpoint: Checkpoint, stages: Sequence[Choices], available: int) -> list[Layout] | None:
    """The layouts of the run that wrote `checkpoint`, if they are those of these stages and still fit into memory."""
    # Those of another transfer or of a former release may differ; `restore` rejects their checkpoints.
    former = [Layout(*layout) for layout in checkpoint.notes.get("layouts", ())]
    known = len(former) == len(stages) and all(
        layout.style_loss in choices for layout, choices in zip(former, stages, strict=True)
    )
    if not known:
        return None
    chosen = [(choices[layout.style_loss], layout) for choices, layout in zip(stages, former, strict=True)]
    needs = (bytes_needed(step.network, step.demand, layout.whole_from) for step, layout in chosen)
    return former if max(needs) <= available else None


def estimate_of(steps: Sequence[Step], layouts: Sequence[Layout]) -> Estimate:
    """The estimate of a transfer in these `steps`, laid out in this way."""
    chosen = [(step, layout.whole_from) for step, layout in zip(steps, layouts, strict=True)]
    rate = multiplication_rate(steps[0].demand.precision)
    return Estimate(
        max(bytes_needed(step.network, step.demand, each) for step, each in chosen),
        sum(seconds_needed(step.network, step.demand, each, step.evaluations, rate) for step, each in chosen),
        tuple(layouts),
    )


def replaced_losses(stages: Sequence[Choices], layouts: Sequence[Layout], available: int) -> Iterator[str]:
    """A warning if a scale could not have the style loss that is the first choice."""
    for choices, layout in zip(stages, layouts, strict=True):
        first, step = next(iter(choices.items()))
        if layout.style_loss != first:
            pyramid = step.demand.pyramid
            need = least_bytes(step.network, step.demand)
            yield (
                f"style_loss: from {pyramid.width} x {pyramid.height} pixels on, {layout.style_loss} takes the place "
                f"of {first}, which would need {need / 1e9:.1f} GB of memory; {max(available, 0) / 1e9:.1f} GB are free"
            )
            return


def rounded_sides(sizes: Inputs[Size], last: Step) -> Iterator[str]:
    """A warning if the result does not have the size that was asked for, because it is seamless."""
    asked = fit_longer_side(sizes.content, last.longer, "content")
    pyramid = last.demand.pyramid
    if asked != (pyramid.width, pyramid.height):
        yield (
            f"seamless: the result has {pyramid.width} x {pyramid.height} pixels instead of {asked[0]} x {asked[1]}, "
            f"because sides along which it repeats must be multiples of {SIDE_STEP}"
        )


def demand_of(
    sizes: ScaledSizes, loss: Loss, options: TransferOptions, precision: str, grey: bool, regions: int
) -> Demand:
    """What determines the memory of a stage."""
    width, height = sizes.content
    pyramid = Pyramid(height, width, options.pyramid_levels, options.pyramid_decay, wraps_of(options.seamless))
    largest = max(width * height for width, height in sizes.styles)
    return Demand(pyramid, largest, loss.terms, options, precision, grey, len(sizes.styles), regions)
