"""Scenes of small films whose frames stand-ins for a server paint, for the tests of chains."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from film_files import SIZE, moving
from tfstyle.inputs import Inputs, Style
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client.journal import Journal, open_journal
from tfstyle_client.many_jobs import Order, Task
from tfstyle_client.video.chain import Chains, Manner
from tfstyle_client.video.film import Film
from tfstyle_client.video.plan import looked_through
from tfstyle_client.video.source import Part
from tfstyle_client.video.stills import Folder

MANNER = Manner(Inputs(b"", (Style(b"painting"),)), "default", {"network": "vgg19-lite"}, 40)
TWICE = replace(MANNER, passes=2)


def chains(film: Path, journal: Journal, manner: Manner = MANNER) -> Chains:
    source = Film(film)
    plan = looked_through(source, Part(), lambda number: None)
    return Chains(source, plan, SIZE, manner, journal, journal.folder / "ahead", film.name)


def picture(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened)


def paint(made: Chains, journal: Journal, task: Task, colour: Callable[[np.ndarray], np.ndarray]) -> pb.StylizeRequest:
    """Do what a server would, with `colour` in place of a painter."""
    order = task.prepare()
    assert isinstance(order, Order)
    buffer = io.BytesIO()
    Image.fromarray(colour(picture(order.request.inputs.content.data))).save(buffer, "PNG")
    journal.write(task.name, made.identity_of(task.name), buffer.getvalue())
    made.done(task.name)
    return order.request


_buffer = io.BytesIO()
Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(_buffer, "PNG")
BLACK = _buffer.getvalue()
"""A black frame."""


def negative(pixels: np.ndarray) -> np.ndarray:
    return 255 - pixels


def identities_of_a_folder(folder: Path, number: int, change: int, manner: Manner = MANNER) -> dict[str, str]:
    """{name of the task: identity} of 8 frames in two scenes, where a sample of that number is changed."""
    frames = moving(8, cut=5)
    frames[number][0, 0] ^= change
    folder.mkdir()
    for place, pixels in enumerate(frames):
        Image.fromarray(pixels).save(folder / f"{place}.png")
    source = Folder(folder, Fraction(25))
    plan = looked_through(source, Part(), lambda number: None)
    found = {}
    with (
        open_journal(folder.with_name(f"{folder.name}.out"), "output") as journal,
        Chains(source, plan, SIZE, manner, journal, journal.folder / "ahead", "film") as made,
    ):
        for task in (task for chain in made.all() for task in chain):
            task.prepare()
            found[task.name] = made.identity_of(task.name)
            journal.write(task.name, found[task.name], BLACK)
            made.done(task.name)
    return found
