"""A run resumed from a checkpoint gives an identical picture; damaged checkpoints are always detected."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

import tfstyle
from tfstyle import CheckpointError, Engine, Picture, content_and_style, read_checkpoint, resolve_options
from tfstyle.atomic import write_atomically
from tfstyle.checkpoint import Checkpoint, write_checkpoint

RUNS = {
    "lbfgs": resolve_options("fast", {"size": 72, "steps": 14, "history_size": 4}),
    "adam": resolve_options("reference", {"size": 64, "steps": 14, "network": "vgg19-lite"}),
    "tiled": resolve_options("fast", {"size": 480, "steps": 4, "precision": "float32"}),
    "strong": resolve_options(
        "reference",
        {"size": 48, "steps": 14, "network": "vgg19-lite", "optimizer": "lbfgs", "style_weight": 1e6}
        | {"pyramid_levels": 7, "pyramid_decay": 0.0, "gamut_weight": 1000.0, "style_fit": "proportion"},
    ),
    "scales": resolve_options("fast", {"size": 72, "steps": 14, "scales": ((32, 5), (48, 4)), "style_loss": "gram"}),
    "neighbours": resolve_options(
        "detail",
        {"size": 72, "steps": 22, "scales": ((32, 4), (48, 3)), "split_evaluations": 12, "network": "vgg19-lite"},
    ),
}
"""In the run "strong" the line search refuses some steps."""
CHECKPOINTS = {
    "lbfgs": (1, 2, 7, 13, 14),
    "adam": (1, 9),
    "tiled": (2,),
    "strong": range(2, 14, 2),
    "scales": (3, 5, 6, 9, 12),
    "neighbours": (6, 15),
}
RESUME = """
import sys
from pathlib import Path
from tfstyle import Engine, content_and_style, decode, encode_png, read_checkpoint, resolve_options
content, style, checkpoint, out = map(Path, sys.argv[1:])
transfer = Engine().prepare(
    content_and_style(decode(content.read_bytes(), "content"), decode(style.read_bytes(), "style")),
    resolve_options("fast", {"size": 400, "steps": 9}),
    read_checkpoint(checkpoint),
)
for _ in transfer.iterates():
    pass
out.write_bytes(encode_png(transfer.deliver().picture))
"""


@pytest.fixture(scope="module")
def pictures(landscape: bytes, painting: bytes) -> tuple[Picture, Picture]:
    return tfstyle.decode(landscape, "content"), tfstyle.decode(painting, "style")


def engine_for(name: str) -> Engine:
    return Engine(memory=440 * 2**20 if name == "tiled" else None)


def records(iterates: object) -> list[tuple[object, ...]]:
    return [(i.evaluation, i.stage, i.total, i.losses, i.accepted) for i in iterates]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in ("neighbours", "tiled"))) for name in RUNS]
)
def test_resumed_run_gives_an_identical_picture(name: str, pictures: tuple[Picture, Picture], tmp_path: Path) -> None:
    engine = engine_for(name)
    whole = engine.prepare(content_and_style(*pictures), RUNS[name])
    assert whole.estimate.tiled == (name == "tiled")
    wanted = []
    for iterate in whole.iterates():
        wanted += records([iterate])
        assert whole.checkpoint(tmp_path / f"{iterate.evaluation}.npz") == iterate.evaluation
    if name == "strong":
        assert not all(accepted for *_, accepted in wanted), "some checkpoint must be within a line search"
    for cut in CHECKPOINTS[name]:
        checkpoint = read_checkpoint(tmp_path / f"{cut}.npz")
        # An engine with enough memory would not tile, but the checkpoint records the tiling.
        again = (engine if name != "tiled" else Engine()).prepare(content_and_style(*pictures), RUNS[name], checkpoint)
        assert records(again.iterates()) == wanted[cut:]
        delivered = again.deliver()
        assert delivered.total == whole.deliver().total
        np.testing.assert_array_equal(delivered.picture.pixels, whole.deliver().picture.pixels)


def test_elapsed_time_continues(pictures: tuple[Picture, Picture], tmp_path: Path) -> None:
    engine = Engine()
    options = resolve_options("fast", {"size": 48, "steps": 6})
    transfer = engine.prepare(content_and_style(*pictures), options)
    first = list(itertools.islice(transfer.iterates(), 3))
    transfer.checkpoint(tmp_path / "c.npz")
    rest = list(engine.prepare(content_and_style(*pictures), options, read_checkpoint(tmp_path / "c.npz")).iterates())
    assert [iterate.evaluation for iterate in rest] == [4, 5, 6]
    assert first[-1].seconds < rest[0].seconds < rest[-1].seconds
    assert rest[0].remaining is None, "the first evaluation of a process may trace"
    assert rest[-1].remaining == 0


def test_another_process_continues_bit_for_bit(landscape: bytes, painting: bytes, tmp_path: Path) -> None:
    for name, data in (("content", landscape), ("style", painting)):
        (tmp_path / name).write_bytes(data)
    options = resolve_options("fast", {"size": 400, "steps": 9})
    inputs = content_and_style(tfstyle.decode(landscape, "content"), tfstyle.decode(painting, "style"))
    transfer = Engine().prepare(inputs, options)
    for iterate in transfer.iterates():
        if iterate.evaluation == 4:
            transfer.checkpoint(tmp_path / "c.npz")
    arguments = [str(tmp_path / name) for name in ("content", "style", "c.npz", "out.png")]
    subprocess.run([sys.executable, "-c", RESUME, *arguments], check=True, capture_output=True)
    assert (tmp_path / "out.png").read_bytes() == tfstyle.encode_png(transfer.deliver().picture)


@pytest.mark.slow
def test_checkpoints_from_another_thread_are_consistent_and_do_not_affect_the_run(
    pictures: tuple[Picture, Picture], tmp_path: Path
) -> None:
    engine = Engine()
    options = resolve_options("fast", {"size": 64, "steps": 40, "history_size": 5})
    wanted = records(engine.prepare(content_and_style(*pictures), options).iterates())
    transfer = engine.prepare(content_and_style(*pictures), options)
    written: list[int] = []
    done = threading.Event()

    def keep_writing() -> None:
        while not done.is_set():
            made = transfer.checkpoint(tmp_path / "newest.npz")
            (tmp_path / "newest.npz").rename(tmp_path / f"{made}.npz")
            written.append(made)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    assert records(transfer.iterates()) == wanted
    done.set()
    writer.join()
    assert len(set(written)) > 3
    for made in sorted(set(written))[:: max(1, len(set(written)) // 4)]:
        again = engine.prepare(content_and_style(*pictures), options, read_checkpoint(tmp_path / f"{made}.npz"))
        assert records(again.iterates()) == wanted[made:]


@pytest.mark.slow
def test_the_run_continues_while_a_checkpoint_is_written(
    pictures: tuple[Picture, Picture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, disk = threading.Event(), threading.Event()

    def slow_disk(file: BinaryIO, checkpoint: Checkpoint) -> None:
        begun.set()
        assert disk.wait(60)
        write_checkpoint(file, checkpoint)

    monkeypatch.setattr(tfstyle.transfer, "write_checkpoint", slow_disk)
    engine = Engine()
    options = resolve_options("fast", {"size": 48, "steps": 12})
    transfer = engine.prepare(content_and_style(*pictures), options)
    iterates = transfer.iterates()
    wanted = records(itertools.islice(iterates, 5))
    writer = threading.Thread(target=transfer.checkpoint, args=(tmp_path / "c.npz",))
    writer.start()
    assert begun.wait(60)
    rest = records(iterates)
    assert len(wanted) + len(rest) == 12, "no step waits for the disk"
    disk.set()
    writer.join()
    checkpoint = read_checkpoint(tmp_path / "c.npz")
    assert checkpoint.notes["evaluations"] == 5
    assert records(engine.prepare(content_and_style(*pictures), options, checkpoint).iterates()) == rest


def test_checkpoint_of_another_transfer_is_rejected(pictures: tuple[Picture, Picture], tmp_path: Path) -> None:
    engine = Engine()
    options = resolve_options("fast", {"size": 48, "steps": 3})
    transfer = engine.prepare(content_and_style(*pictures), options)
    next(transfer.iterates())
    transfer.checkpoint(tmp_path / "c.npz")
    checkpoint = read_checkpoint(tmp_path / "c.npz")
    content, style = pictures
    other = Picture(255 - content.pixels, None)
    for photo, painting, wanted in (
        (content, style, resolve_options("fast", {"size": 48, "steps": 4})),
        (other, style, options),
        (content, other, options),
    ):
        with pytest.raises(CheckpointError, match="another transfer"):
            engine.prepare(content_and_style(photo, painting), wanted, checkpoint)


def test_checkpoint_of_a_former_release_is_rejected(pictures: tuple[Picture, Picture]) -> None:
    former = Checkpoint({}, {"of": "0" * 64, "whole_from": 1, "stage": 0})  # the tiling was one number
    with pytest.raises(CheckpointError, match="another release"):
        Engine().prepare(content_and_style(*pictures), resolve_options("fast", {"size": 48}), former)


def test_checkpoint_without_what_a_stage_needs_is_rejected(pictures: tuple[Picture, Picture], tmp_path: Path) -> None:
    engine, inputs = Engine(), content_and_style(*pictures)
    options = resolve_options("default", {"size": 48, "steps": 3, "network": "vgg19-lite", "style_loss": "neighbours"})
    transfer = engine.prepare(inputs, options)
    next(transfer.iterates())
    transfer.checkpoint(tmp_path / "c.npz")
    whole = read_checkpoint(tmp_path / "c.npz")
    unstarted = Checkpoint({name: array for name, array in whole.arrays.items() if name != "start"}, whole.notes)
    former = Checkpoint(whole.arrays, {name: note for name, note in whole.notes.items() if name != "layouts"})
    for lacking in (unstarted, former):
        with pytest.raises(CheckpointError, match="lacks what this release, or this memory, needs"):
            engine.prepare(inputs, options, lacking)
    assert engine.prepare(inputs, options, whole).evaluations == 1


@pytest.fixture
def small(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).normal(size=(3, 50)).astype(np.float32)
    checkpoint = Checkpoint(
        {"a": values[0], "b": values[1:]}, {"value": 0.1 + 0.2, "inf": float("inf"), "n": [1, None]}
    )
    path = tmp_path / "small.npz"
    with write_atomically(path) as file:
        write_checkpoint(file, checkpoint)
    return path


def test_reading_restores_what_was_written(small: Path) -> None:
    checkpoint = read_checkpoint(small)
    assert checkpoint.notes == {"value": 0.1 + 0.2, "inf": float("inf"), "n": [1, None]}
    values = np.random.default_rng(0).normal(size=(3, 50)).astype(np.float32)
    np.testing.assert_array_equal(checkpoint.arrays["a"], values[0])
    np.testing.assert_array_equal(checkpoint.arrays["b"], values[1:])
    assert [path.name for path in small.parent.iterdir()] == ["small.npz"], "no draft file is left"


def test_every_changed_byte_of_the_arrays_is_detected(small: Path) -> None:
    whole = small.read_bytes()
    wanted = read_checkpoint(small)
    for position in range(len(whole)):
        small.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        try:
            found = read_checkpoint(small)
        except CheckpointError:
            continue
        # Bytes such as timestamps may change without effect.
        assert json.dumps(found.notes) == json.dumps(wanted.notes)
        assert found.arrays.keys() == wanted.arrays.keys()
        for name, array in wanted.arrays.items():
            np.testing.assert_array_equal(found.arrays[name], array)


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_truncated_file_is_rejected(small: Path, kept: int) -> None:
    small.write_bytes(small.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_checkpoint(small)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", notes=np.array([{"a": 1}], object))
    with pytest.raises(CheckpointError):
        read_checkpoint(tmp_path / "p.npz")
