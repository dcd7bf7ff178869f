"""What a command says on standard output when it is done."""

from __future__ import annotations

import sys

from tfstyle_client.display import Display, job_line
from tfstyle_client.events import JobStatus
from tfstyle_client.growth import Growth
from tfstyle_client.growth_file import GrowthFile
from tfstyle_client.json_lines import job_fields, print_json
from tfstyle_client.loss_plot import LossCurves
from tfstyle_client.output import Output
from tfstyle_client.plot_file import PlotFile


def report(event: str, field: str, value: str, as_json: bool) -> None:
    """One value as a line, or as a JSON object."""
    if as_json:
        print_json(event, {field: value})
    else:
        print_line(value)


def report_job(job: JobStatus, as_json: bool) -> None:
    """A job as a line, or as a JSON object."""
    if as_json:
        print_json("job", job_fields(job))
    else:
        print_line(job_line(job))


def report_file(output: Output, png: bytes, as_json: bool) -> None:
    """Write the picture, and say where it is. Raises `BadRequestError`."""
    if output.loses_transparency(png):
        sys.stderr.write("tfstyle: warning: JPEG has no transparency; the picture is put on white\n")
    path = output.write(png)
    if not output.is_standard:
        report("written", "path", str(path), as_json)


def report_plot(plot: PlotFile, curves: LossCurves, screen: Display, preset: str = "") -> None:
    """Write the loss curves, and say where they are, apart from the picture's path. Raises `BadRequestError`."""
    plot.write(curves, preset)
    screen.say(f"loss curves in {plot.path}")


def report_growth(file: GrowthFile, growth: Growth, result: bytes, screen: Display) -> None:
    """Write the animation, and say where it is, apart from the picture's path. Raises `BadRequestError`."""
    file.write(growth, result)
    screen.say(f"animation in {file.path}")


def print_line(text: str) -> None:
    """A line on standard output, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
