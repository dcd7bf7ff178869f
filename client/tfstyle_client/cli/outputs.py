"""The files that a command writes, checked before the work begins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tfstyle_client.errors import refusal
from tfstyle_client.files import STANDARD_STREAM
from tfstyle_client.growth_file import GrowthFile
from tfstyle_client.output import Output
from tfstyle_client.plot_file import PlotFile


def checked_output(output: Output | Path, quality: int | None, as_json: bool, depth: int = 8) -> Output:
    """The output that was chosen, for a picture of so many bits. Raises `BadRequestError` if it cannot be written."""
    if isinstance(output, Path):
        _refuse_option(output, "output")
        output = Output(output)
    output = replace(output, quality=quality, depth=depth)
    output.check()
    if output.is_standard and as_json:
        raise refusal("output", "cannot be standard output, which --json uses; name a file")
    return output


def checked_preview(path: Path | None) -> Output | None:
    """The preview's file, if there is one. Raises `BadRequestError` if it cannot be written."""
    if path is None:
        return None
    _refuse_option(path, "preview")
    preview = Output(path, field="preview")
    if preview.is_standard:
        raise refusal("preview", "must be a file; previews replace one another")
    preview.check()
    return preview


def checked_plot(path: Path | None, output: Output | None = None, preview: Output | None = None) -> PlotFile | None:
    """The plot's file, if there is one. Raises `BadRequestError` if it cannot be written, or is one of the others."""
    if path is None:
        return None
    _refuse_option(path, "plot")
    plot = PlotFile(path)
    plot.check()
    for field, other in (("output", output), ("preview", preview)):
        if other is not None and other.writes(path):
            raise refusal("plot", f"{path} is the file of {field}; name another one")
    return plot


def checked_growth(path: Path | None, **others: Output | PlotFile | None) -> GrowthFile | None:
    """The animation's file, if there is one; `others` are those that it must not be, by their options.

    Raises `BadRequestError` if it cannot be written, or is one of the others.
    """
    if path is None:
        return None
    _refuse_option(path, "gif")
    growth = GrowthFile(path)
    growth.check()
    for field, other in others.items():
        if other is not None and other.writes(path):
            raise refusal("gif", f"{path} is the file of {field}; name another one")
    return growth


def keep_inputs(inputs: Iterable[Path | None], **outputs: Output | PlotFile | GrowthFile | None) -> None:
    """Refuse `outputs`, by their options, that would overwrite one of the `inputs`. Raises `BadRequestError`."""
    read = [path for path in inputs if path is not None and path != STANDARD_STREAM]
    for field, output in outputs.items():
        for path in read:
            if output is not None and output.writes(path):
                raise refusal(field, f"{path} is a picture that the command reads; name another file")


def _refuse_option(path: Path, field: str) -> None:
    if str(path).startswith("-") and path != STANDARD_STREAM:
        raise refusal(field, f"needs the name of a file; got {path}")
