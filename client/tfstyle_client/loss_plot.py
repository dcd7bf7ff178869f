"""The loss curves of a run: what its events tell, and a figure of it by Matplotlib, imported when needed."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from tfstyle_client.events import Event, Progress, Stage, Started

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "content": "#0072b2",
    "style": "#d55e00",
    "neighbours": "#009e73",
    "tv": "#cc79a7",
    "gamut": "#e69f00",
}
"""{part of the loss: its colour}; people who are colour-blind can tell them apart."""
OTHER_COLOURS = ("#56b4e9", "#8c6d31", "#7f7f7f")
"""Of parts that a server of another release sends."""
TOTAL_COLOUR = "#1a1a1a"
MARK_COLOUR = "#8a8a8a"
LEAST_OF_TOTAL = 1e-3
"""The axis ends at this fraction of the smallest total; what is further down would flatten everything else."""
NARROW, NARROWEST = 0.09, 0.022
"""Labels of marks that are closer together than this, as a fraction of the axis, are set upright, or left out."""


class LossCurves:
    """The losses by part over the evaluations. Events other than `Started` and `Progress` are ignored."""

    def __init__(self) -> None:
        self.started: Started | None = None
        self._points: dict[int, _Point] = {}

    def add(self, event: Event) -> None:
        """Take note of one event. An evaluation that is reported again, as after an interruption, counts once."""
        match event:
            case Started():
                self.started = event
            case Progress(evaluation, _, losses, _, _, _, stage):
                self._points[evaluation] = _Point(stage, losses.total, losses.weighted)

    @property
    def evaluations(self) -> Sequence[int]:
        """The evaluations that were reported, in order."""
        return sorted(self._points)

    def lines(self) -> Mapping[str, tuple[Sequence[float], Sequence[float]]]:
        """{"total" or part: (evaluations, weighted losses)}, without parts that are too small to be seen.

        NaN stands between two stages, whose losses cannot be compared, and for values that no logarithm shows.
        """
        points = [self._points[evaluation] for evaluation in self.evaluations]
        names = dict.fromkeys(name for point in points for name in point.weighted)
        found = {"total": [point.total for point in points]}
        found |= {name: [point.weighted.get(name, 0.0) for point in points] for name in names}
        return {
            name: self._broken(values) for name, values in found.items() if name == "total" or max(values) > self.least
        }

    @property
    def least(self) -> float:
        """The smallest loss that is shown."""
        return LEAST_OF_TOTAL * min((point.total for point in self._points.values() if point.total > 0), default=0.0)

    def marks(self) -> Sequence[tuple[int, str]]:
        """(first evaluation, label) of each scale and network; none where they do not change."""
        stages = [(evaluation, self._stage(self._points[evaluation].number)) for evaluation in self.evaluations]
        known = [(evaluation, stage) for evaluation, stage in stages if stage is not None]
        kinds = [(stage.width, stage.height, stage.network) for _, stage in known]
        has_networks = len({network for *_, network in kinds}) > 1
        marks = [
            (evaluation, f"{max(stage.width, stage.height)} px" + (f"\n{stage.network}" if has_networks else ""))
            for place, (evaluation, stage) in enumerate(known)
            if place == 0 or kinds[place] != kinds[place - 1]
        ]
        return marks if len(marks) > 1 else []

    def _stage(self, number: int) -> Stage | None:
        stages = () if self.started is None else self.started.stages
        return stages[number - 1] if 1 <= number <= len(stages) else None

    def _broken(self, values: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
        across: list[float] = []
        up: list[float] = []
        former = None
        for evaluation, value in zip(self.evaluations, values, strict=True):
            number = self._points[evaluation].number
            if former not in (None, number):
                across.append(evaluation - 0.5)
                up.append(math.nan)
            former = number
            across.append(evaluation)
            up.append(value if value > 0 else math.nan)
        return across, up


@dataclass(frozen=True)
class _Point:
    """The losses after an evaluation, in the stage of this `number`."""

    number: int
    total: float
    weighted: Mapping[str, float]


def drawn(curves: LossCurves, ending: str, preset: str = "") -> bytes:
    """The figure as a file with this ending: .png, .svg or .pdf."""
    import matplotlib.style

    # The user's own settings may be for a dark page, or need programs that are not installed.
    with matplotlib.style.context("default", after_reset=True):
        buffer = io.BytesIO()
        loss_figure(curves, preset).savefig(buffer, format=ending.removeprefix("."), dpi=150)
    return buffer.getvalue()


def loss_figure(curves: LossCurves, preset: str = "") -> Figure:
    """The curves on a logarithmic axis. What is unknown is left out of the title, such as a `preset` that is ""."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 5.0), layout="constrained")
    axes = figure.add_subplot()
    _draw_lines(axes, curves.lines())
    _set_axes(axes, curves)
    _draw_marks(axes, curves.marks())
    figure.suptitle(_title(curves, preset), fontsize=12, fontweight="bold")
    figure.legend(loc="outside right center", frameon=False)
    return figure


def _draw_lines(axes: Axes, lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> None:
    others = iter(OTHER_COLOURS * len(lines))
    for name, (across, up) in lines.items():
        is_total, lonely = name == "total", list(_lonely(up))
        axes.plot(
            across,
            up,
            label=name,
            color=TOTAL_COLOUR if is_total else COLOURS.get(name) or next(others),
            linewidth=2.6 if is_total else 1.4,
            zorder=3 if is_total else 2,
            marker="o" if lonely else None,
            markersize=4 if is_total else 3,
            markevery=lonely,
        )


def _lonely(values: Sequence[float]) -> Iterator[int]:
    """The places of values with no neighbours, which a line alone would not show."""
    padded = [math.nan, *values, math.nan]
    for place, value in enumerate(values):
        if not math.isnan(value) and math.isnan(padded[place]) and math.isnan(padded[place + 2]):
            yield place


def _set_axes(axes: Axes, curves: LossCurves) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    axes.set_yscale("log")
    first, last = curves.evaluations[0], curves.evaluations[-1]
    axes.set_xlim(first - 0.5, last + 0.5)
    axes.margins(y=0.06)
    if axes.get_ylim()[0] < curves.least:
        axes.set_ylim(bottom=curves.least)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    low, high = axes.get_ylim()
    fine = high / low < 300
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if fine else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("evaluation")
    axes.set_ylabel("weighted loss")


def _draw_marks(axes: Axes, marks: Sequence[tuple[int, str]]) -> None:
    """A line at each mark but the first, which is the edge; labels above the curves."""
    left, right = axes.get_xlim()
    places = [evaluation - 0.5 for evaluation, _ in marks] + [right]
    gaps = [after - before for before, after in pairwise(places)]
    upright = min(gaps, default=right - left) < NARROW * (right - left)
    labelled = -math.inf
    for number, (place, (_, label)) in enumerate(zip(places, marks, strict=False)):
        if number > 0:
            axes.axvline(place, color=MARK_COLOUR, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        if place - labelled < NARROWEST * (right - left):
            continue
        labelled = place
        axes.annotate(
            label.replace("\n", "  ") if upright else label,
            (place, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0 if upright else 3, 4),
            textcoords="offset points",
            rotation=90 if upright else 0,
            horizontalalignment="center" if upright else "left",
            verticalalignment="bottom",
            fontsize=9,
            color="#555555",
        )


def _title(curves: LossCurves, preset: str) -> str:
    facts = []
    started = curves.started
    if started is not None:
        sizes = [f"{each.width} × {each.height}" for each in started.stages[:1]]
        sizes = list(dict.fromkeys([*sizes, f"{started.width} × {started.height}"]))
        facts.append(f"{' to '.join(sizes)} pixels")
    if preset:
        facts.append(f"preset {preset}")
    return ": ".join(["Losses", *([", ".join(facts)] if facts else [])])
