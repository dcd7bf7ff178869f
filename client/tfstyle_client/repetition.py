"""The repetition of a result: its options and pictures, by its record, and what makes it another picture."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tfstyle import __version__
from tfstyle.canvas import LARGEST_CANVAS, canvas, is_texture
from tfstyle.errors import InvalidInputError, Violation
from tfstyle.inputs import Inputs, inputs_by_name
from tfstyle.options import NONE, TransferOptions
from tfstyle.presets import changed_options
from tfstyle.provenance import Provenance
from tfstyle.provenance_json import read_provenance
from tfstyle_client.errors import refusal
from tfstyle_client.events import Event, Result, Started

SHOWN_DIGITS = 12
"""Of a digest in a message."""


def files_by_name(named: Mapping[str, Path | None], styles: Sequence[Path], others: Iterable[str]) -> dict[str, Path]:
    """{name as of `Inputs.pictures`: file}; `others` are texts NAME=FILE. Raises `BadRequestError`."""
    files = {name: path for name, path in named.items() if path is not None}
    files |= {("style" if len(styles) == 1 else f"styles[{index}]"): path for index, path in enumerate(styles)}
    for text in others:
        name, _, path = text.partition("=")
        if not name or not path:
            raise refusal("picture", f"must be NAME=FILE, such as style.mask=mask.png; got {text}")
        if name in files:
            raise refusal("picture", f"names {name} a second time; give one file for it")
        files[name] = Path(path)
    return files


def canvas_of(made: Provenance) -> bytes | None:
    """The empty canvas of a result that is a texture; None for a result with a photo."""
    if not is_texture(made.options):
        return None
    for source in made.pictures:
        if source.name == "content":
            if not (source.width <= LARGEST_CANVAS and source.height <= LARGEST_CANVAS):
                why = f"has a content of {source.width} x {source.height} pixels, which is no texture of tfstyle"
                raise InvalidInputError([Violation("result", why)])
            return canvas((source.width, source.height))
    return None


def check_names(made: Provenance, result: str, given: Iterable[str]) -> None:
    """Refuse pictures that are missing, or that the `result` was made without. Raises `InvalidInputError`."""
    wanted, names = [source.name for source in made.pictures], list(given)
    violations = [
        Violation(name, f"is missing; {result} was made with it; give {_parameter(name)}")
        for name in wanted
        if name not in names
    ]
    violations = violations or [
        Violation(name, f"is one too many; {result} was made without it") for name in names if name not in wanted
    ]
    if violations:
        raise InvalidInputError(violations)


def _parameter(name: str) -> str:
    """How a picture is given on the command line."""
    if name in ("content", "start_picture"):
        return f"--{name.partition('_')[0]} FILE"
    is_style = name == "style" or (name.startswith("styles[") and name.endswith("]"))
    return "--style FILE ..." if is_style else f"--picture {name}=FILE"


@dataclass(frozen=True)
class Repetition:
    """Repeats a result that was `made` so, from these `pictures` by name, with `changes` to its options.

    `result` is its file's name for messages. `private` says that the server belongs to this release of tfstyle. `drawn`
    are the names of pictures that are made anew, whose bytes depend on the library that compresses them.
    """

    made: Provenance
    result: str
    pictures: Mapping[str, bytes]
    changes: Mapping[str, Any]
    private: bool
    drawn: Collection[str] = ()

    @cached_property
    def options(self) -> TransferOptions:
        """The options of the repetition. Raises `InvalidInputError`."""
        try:
            before = self.made.transfer_options()
        except InvalidInputError as error:
            raise InvalidInputError([Violation("result", f"was made with {error}")]) from None
        return changed_options(before, self.changes)

    @cached_property
    def inputs(self) -> Inputs[bytes]:
        """The pictures with the result's weights. Raises `InvalidInputError`."""
        weights = {source.name: source.weight for source in self.made.pictures if source.weight is not None}
        return inputs_by_name({source.name: self.pictures[source.name] for source in self.made.pictures}, weights)

    @cached_property
    def replaced(self) -> tuple[str, ...]:
        """The names of the pictures that are not those of the result."""
        return tuple(
            source.name
            for source in self.made.pictures
            if source.name not in self.drawn
            and source.digest
            and source.digest != hashlib.sha256(self.pictures[source.name]).hexdigest()
        )

    def warnings(self) -> Iterator[str]:
        """What is known before the run to make it another picture, besides the changes."""
        for name in self.replaced:
            yield f"{name}: is not the file that {self.result} was made from"
        if self.private and self.made.version != __version__:
            yield f"version: {self.result} was made by tfstyle {self.made.version}, and this is {__version__}"

    def check(self, event: Event) -> Iterator[str]:
        """Warnings about an event of the run. Raises `BadRequestError` where the network is another one."""
        if isinstance(event, Started) and "network" not in self.changes:
            self._check_network(event)
        if isinstance(event, Result) and not self.changes and not self.replaced and self.options.metadata != NONE:
            made = replace(self.made, version=__version__) if self.private else self.made
            for difference in made.differences(read_provenance(event.png)):
                yield f"{difference}: the picture may not be that of {self.result}"

    def _check_network(self, started: Started) -> None:
        wanted = self.made.networks[self.made.network]
        if started.digest != wanted:
            raise refusal(
                "network",
                f"{self.result} was made with {self.made.network} {wanted[:SHOWN_DIGITS]}, and here is "
                f"{started.network} {started.digest[:SHOWN_DIGITS]}; give its weights with --weights, or --network",
            )
