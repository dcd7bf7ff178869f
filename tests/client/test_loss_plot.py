"""`--plot`: what the figure shows of the events, which files it is written to, and when."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image

from conftest import Server
from tfstyle.presets import PRESETS
from tfstyle_client import Client
from tfstyle_client.events import Interrupted, Losses, Progress, Stage, Started
from tfstyle_client.loss_plot import LossCurves, drawn, loss_figure
from tfstyle_client.plot_file import ENDINGS

TFSTYLE = [sys.executable, "-m", "tfstyle_client"]
FIRST_BYTES = {".png": b"\x89PNG\r\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


def started(*stages: Stage) -> Started:
    last, most = stages[-1], sum(stage.evaluations for stage in stages)
    options = PRESETS["default"]
    return Started(
        last.network, "", "", "", last.width, last.height, most, options, 1, 1.0, False, (), stages, "float32", ""
    )


def progress(evaluation: int, stage: int, **weighted: float) -> Progress:
    losses = Losses(sum(weighted.values()), weighted, weighted, {})
    return Progress(evaluation, 100, losses, 1.0, None, None, stage)


def curves_of(*events: Started | Progress | Interrupted) -> LossCurves:
    curves = LossCurves()
    for event in events:
        curves.add(event)
    return curves


def drawn_lines(curves: LossCurves) -> dict[str, list[tuple[float, float | None]]]:
    """{label: points} of the figure; None is a gap."""
    (axes,) = loss_figure(curves).axes
    return {
        line.get_label(): [(x, None if math.isnan(y) else y) for x, y in line.get_xydata().tolist()]
        for line in axes.get_lines()
        if not line.get_label().startswith("_")
    }


def drawn_marks(curves: LossCurves) -> tuple[list[float], list[str]]:
    """Where the figure has vertical lines, and its labels from left to right."""
    (axes,) = loss_figure(curves).axes
    places = [line.get_xdata()[0] for line in axes.get_lines() if line.get_label().startswith("_")]
    return places, [text.get_text() for text in axes.texts]


LITE = (Stage("vgg19-lite", 208, 139, 3), Stage("vgg19-lite", 320, 213, 2))


def test_the_lines_are_the_weighted_losses_and_scales_are_not_joined() -> None:
    events = [progress(n, 1 if n < 4 else 2, content=n / 10, style=1 / n) for n in range(1, 6)]
    found = drawn_lines(curves_of(started(*LITE), *events))
    assert list(found) == ["total", "content", "style"]
    assert found["style"] == [(1, 1), (2, 1 / 2), (3, 1 / 3), (3.5, None), (4, 1 / 4), (5, 1 / 5)]
    assert [y for _, y in found["total"] if y] == pytest.approx([n / 10 + 1 / n for n in range(1, 6)])


def test_the_axis_is_logarithmic_and_the_total_is_bold() -> None:
    (axes,) = loss_figure(curves_of(progress(1, 1, style=2.0), progress(2, 1, style=1.0))).axes
    assert (axes.get_yscale(), axes.get_xlabel(), axes.get_ylabel()) == ("log", "evaluation", "weighted loss")
    total, style = axes.get_lines()
    assert total.get_linewidth() > 1.5 * style.get_linewidth()


def test_marks_are_where_the_scale_changes() -> None:
    events = [progress(n, 1 if n < 4 else 2, style=1.0) for n in range(1, 6)]
    assert drawn_marks(curves_of(started(*LITE), *events)) == ([3.5], ["208 px", "320 px"])


def test_marks_are_where_the_network_changes_and_name_it() -> None:
    stages = (Stage("vgg19-lite", 208, 139, 2), Stage("vgg19", 208, 139, 2))
    events = [progress(n, 1 if n < 3 else 2, style=1.0) for n in range(1, 5)]
    assert drawn_marks(curves_of(started(*stages), *events)) == ([2.5], ["208 px\nvgg19-lite", "208 px\nvgg19"])


def test_stages_of_one_scale_are_not_marked_and_neither_are_unknown_ones() -> None:
    same = (Stage("vgg19", 208, 139, 2), Stage("vgg19", 208, 139, 2))
    events = [progress(n, 1 if n < 3 else 2, style=1.0) for n in range(1, 5)]
    assert drawn_marks(curves_of(started(*same), *events)) == ([], [])
    assert drawn_marks(curves_of(*events)) == ([], [])


@pytest.mark.parametrize(
    ("event", "preset", "title"),
    [
        (started(*LITE), "fast", "Losses: 208 × 139 to 320 × 213 pixels, preset fast"),
        (started(*LITE[:1]), "", "Losses: 208 × 139 pixels"),
        (None, "bold", "Losses: preset bold"),
        (None, "", "Losses"),
    ],
)
def test_the_title_says_what_is_known(event: Started | None, preset: str, title: str) -> None:
    curves = curves_of(*([event] if event else []), progress(1, 1, style=1.0))
    assert loss_figure(curves, preset).get_suptitle() == title


def test_evaluations_that_are_reported_again_count_once() -> None:
    first = [progress(n, 1, style=1 / n) for n in (1, 2, 3)]
    again = [progress(n, 1, style=1 / n) for n in (2, 3, 4)]
    found = drawn_lines(curves_of(started(*LITE), *first, Interrupted("the worker ended"), *again))
    assert found["style"] == [(n, 1 / n) for n in (1, 2, 3, 4)]


def test_what_no_logarithm_shows_is_a_gap_and_what_is_tiny_is_left_out() -> None:
    events = [progress(1, 1, style=1.0, tv=0.0, gamut=1e-9), progress(2, 1, style=1.0, tv=0.5, gamut=0.0)]
    found = drawn_lines(curves_of(*events))
    assert found["tv"] == [(1, None), (2, 0.5)]
    assert set(found) == {"total", "style", "tv"}
    (axes,) = loss_figure(curves_of(progress(1, 1, style=1.0, tv=1e-9), progress(2, 1, style=1.0, tv=0.5))).axes
    assert axes.get_ylim()[0] == pytest.approx(1e-3), "a value far down does not flatten the others"


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("losses", [[1.0], [0.0, 0.0], [3.0, 2.0, 2.5]])
def test_every_format_can_be_drawn_without_warnings(ending: str, losses: Sequence[float]) -> None:
    curves = curves_of(*(progress(n, 1, style=loss) for n, loss in enumerate(losses, 1)))
    assert drawn(curves, ending).startswith(FIRST_BYTES[ending])


def test_the_user_s_own_style_does_not_matter() -> None:
    import matplotlib as mpl

    curves = curves_of(progress(1, 1, style=1.0))
    usual = drawn(curves, ".png")
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 30}):
        assert drawn(curves, ".png") == usual


@pytest.fixture
def run(tmp_path: Path, landscape: bytes, painting: bytes) -> Callable[..., subprocess.CompletedProcess[str]]:
    (tmp_path / "photo.jpg").write_bytes(landscape)
    (tmp_path / "painting.jpg").write_bytes(painting)

    def command(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*TFSTYLE, *map(str, words)],
            cwd=tmp_path, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    return command


SMALL = ("stylize", "photo.jpg", "painting.jpg", "-o", "out.png", "--size", "48", "--steps", "4")


def test_a_run_ends_with_its_plot(run, tmp_path: Path, server: Server) -> None:
    # As in a terminal of a notebook, whose own backend is not installed here.
    environment = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    ended = run(*SMALL, "--scales", "32:2", "--plot", "losses.svg", "--server", server.address, **environment)
    assert (ended.returncode, ended.stdout) == (0, "out.png\n")
    assert ended.stderr.endswith("loss curves in losses.svg\n")
    assert (tmp_path / "losses.svg").read_bytes().startswith(FIRST_BYTES[".svg"])
    text = (tmp_path / "losses.svg").read_text("utf-8")
    for words in ("32 px", "48 px", "Losses: 32 × 21 to 48 × 32 pixels, preset default", "neighbours"):
        assert f"<!-- {words} -->" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["losses.svg", "out.png", "painting.jpg", "photo.jpg"]


def test_a_watched_job_ends_with_its_plot(run, tmp_path: Path, server: Server, landscape: bytes) -> None:
    with Client(server.address) as client:
        job = client.create(landscape, landscape, size=48, steps=3)
        ended = run("watch", job.name, "--plot", "losses.png", "--json", "--server", server.address)
        assert (ended.returncode, ended.stderr) == (0, "tfstyle: loss curves in losses.png\n")
        with Image.open(tmp_path / "losses.png") as picture:
            assert picture.size == (1350, 750)


def test_a_job_that_was_cancelled_is_plotted_as_far_as_it_came(
    run, tmp_path: Path, server: Server, landscape: bytes
) -> None:
    with Client(server.address) as client:
        job = client.create(landscape, landscape, size=48, steps=10_000)
        next(event for event in job.watch() if isinstance(event, Progress))
        job.cancel()
        ended = run("watch", job.name, "--plot", "losses.pdf", "--server", server.address)
        assert ended.returncode != 0
        assert ended.stderr.splitlines()[-2] == "loss curves in losses.pdf"
        assert (tmp_path / "losses.pdf").exists()
        never = client.create(landscape, landscape, size=256, steps=10_000)
        never.cancel()
        ended = run("watch", never.name, "--plot", "none.pdf", "--server", server.address)
        last, error = ended.stderr.splitlines()[-2:]
        assert last == "warning: plot: no evaluation was reported; none.pdf is not written"
        assert error.startswith("tfstyle: ")
    assert not (tmp_path / "none.pdf").exists()


def test_a_run_that_is_cancelled_leaves_no_plot(run, tmp_path: Path, server: Server) -> None:
    command = [*TFSTYLE, *SMALL[:-1], "10000", "--plot", "losses.png", "--server", server.address]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    with process:
        assert next(line for line in process.stderr if line.startswith("1/10000"))
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["painting.jpg", "photo.jpg"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["losses.gif"], "plot: the ending .gif is not supported; use one of .png, .svg, .pdf"),
        (["losses"], "plot: a name without an ending is not supported; use one of .png, .svg, .pdf"),
        (["-"], "plot: a name without an ending is not supported; use one of .png, .svg, .pdf"),
        (["--json"], "plot: needs the name of a file; got --json"),
        (["."], "plot: . is a folder; name a file"),
        (["nowhere/losses.png"], "plot: there is no folder "),
        (["out.png"], "plot: out.png is the file of output; name another one"),
        (["p.png", "--preview", "./p.png"], "plot: p.png is the file of preview; name another one"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(run, tmp_path: Path, words: list[str], complaint) -> None:
    ended = run(*SMALL, "--plot", *words, "--server", "127.0.0.1:1")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith(f"tfstyle: {complaint}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["painting.jpg", "photo.jpg"]


def test_a_job_that_is_only_created_has_no_plot(run) -> None:
    ended = run(*SMALL[:3], "--detach", "--plot", "losses.png", "--server", "127.0.0.1:1")
    assert (ended.returncode, ended.stderr.partition(";")[0]) == (2, "tfstyle: plot: has no effect with --detach")


@pytest.mark.parametrize("command", [SMALL, ("watch", "jobs/any")])
def test_without_matplotlib_the_command_says_how_to_install_it(run, tmp_path: Path, command: tuple[str, ...]) -> None:
    missing = tmp_path / "missing"
    (missing / "matplotlib").mkdir(parents=True)
    (missing / "matplotlib" / "__init__.py").write_text("raise ModuleNotFoundError('matplotlib')")
    path = os.pathsep.join([str(missing), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = run(*command, "--plot", "losses.png", "--server", "127.0.0.1:1", PYTHONPATH=path)
    assert (ended.returncode, ended.stderr) == (2, "tfstyle: plot: needs matplotlib; pip install 'tfstyle[plot]'\n")


def test_without_a_plot_matplotlib_is_not_imported() -> None:
    code = "import sys, tfstyle_client.cli.stylize, tfstyle_client.cli.jobs\nassert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
