"""The body of a job, with a fake port and the real engine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tfstyle.engine import Engine
from tfstyle.images import ImageLimits, decode
from tfstyle.inputs import Inputs, Style, content_and_style
from tfstyle.objective import WholeObjective
from tfstyle.options import ProgressOptions
from tfstyle.presets import resolve_options
from tfstyle.tensorflow_backend import tf
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.blobs import BlobFolder, StoreUnavailableError
from tfstyle_server.executors import run_job as module
from tfstyle_server.executors.checkpoints import Checkpoints, FolderFiles
from tfstyle_server.executors.executor import Done, Exhausted, Failed, Refused, Run, Stopped
from tfstyle_server.executors.run_job import JobCancelled, Port, PortClosedError, run_job

STEPS = 6


@dataclass
class FakePort:
    """A job's surroundings in a folder; `on_report` may raise what a port raises."""

    folder: Path
    attempt: int = 1
    on_report: Callable[[pb.JobEvent], None] = lambda event: None
    reports: list[tuple[pb.JobEvent, int, bytes]] = field(default_factory=list)
    limits: ImageLimits = field(default_factory=ImageLimits)
    cancelled: bool = False
    decoded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.blobs = BlobFolder(self.folder / "blobs")
        self.checkpoints = Checkpoints(FolderFiles(self.folder / "checkpoints"), self.attempt, 0.0)

    def report(self, event: pb.JobEvent, reached: int, preview: bytes = b"") -> None:
        self.reports.append((event, reached, preview))
        self.on_report(event)

    def decoding(self, picture: str) -> AbstractContextManager[None]:
        self.decoded.append(picture)
        return nullcontext()

    def expect(self, seconds: float) -> None:
        assert seconds > 0

    def crew(self) -> AbstractContextManager[None]:
        return nullcontext()

    def check_cancelled(self) -> None:
        if self.cancelled:
            raise JobCancelled

    def events(self, kind: str) -> list[Any]:
        return [getattr(event, kind) for event, _, _ in self.reports if event.HasField(kind)]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture
def port(tmp_path: Path) -> FakePort:
    return FakePort(tmp_path)


@pytest.fixture
def inputs(port: FakePort, landscape: bytes, painting: bytes) -> Inputs[str]:
    return content_and_style(port.blobs.put([landscape]), port.blobs.put([painting]))


def run_of(inputs: Inputs[str], attempt: int = 1, **progress: int) -> Run:
    options = resolve_options("fast", {"size": 48, "max_evaluations": STEPS})
    return Run("jobs/a", attempt, inputs, options, ProgressOptions(**progress))


def test_job_is_reported_and_its_result_is_among_the_blobs(engine: Engine, port: FakePort, inputs: Inputs[str]) -> None:
    checked: Port = port
    end = run_job(engine, run_of(inputs, every=4, preview_every=3, preview_size=24), checked)
    assert isinstance(end, Done)
    result = end.event.result
    png = port.blobs.read(result.digest)
    assert (len(png), hashlib.sha256(png).hexdigest()) == (result.size, result.digest)
    assert decode(png, "result").size == (48, 32) == (result.width, result.height)
    assert result.evaluations == STEPS
    (started,) = port.events("started")
    assert (started.width, started.height, started.max_evaluations, list(started.warnings)) == (48, 32, STEPS, [])
    assert [progress.evaluation for progress in port.events("progress")] == [1, 3, 4, 6]
    assert [reached for _, reached, _ in port.reports] == [0, 1, 3, 4, 6]
    assert [decode(preview, "preview").size for _, _, preview in port.reports if preview] == [(24, 16)] * 2


def test_parts_of_the_loss_are_weighted_and_add_up(engine: Engine, port: FakePort, inputs: Inputs[str]) -> None:
    end = run_job(engine, run_of(inputs), port)
    assert isinstance(end, Done)
    for losses in (port.events("progress")[-1].losses, end.event.result.delivered):
        parts = {part.name: part for part in losses.parts}
        assert set(parts) == {"content", "style", "tv", "gamut"}
        assert all(part.value == pytest.approx(sum(part.by_layer.values())) for part in losses.parts)
        assert parts["style"].weighted == pytest.approx(2 * parts["style"].value)
        assert losses.total == pytest.approx(sum(part.weighted for part in losses.parts), rel=1e-4)


def test_job_is_resumed_from_its_checkpoint_bit_for_bit(
    engine: Engine, tmp_path: Path, port: FakePort, inputs: Inputs[str]
) -> None:
    whole = run_job(engine, run_of(inputs), port)
    assert isinstance(whole, Done)

    def close_after_4(event: pb.JobEvent) -> None:
        if event.progress.evaluation == 4:
            raise PortClosedError

    for path in (tmp_path / "checkpoints").glob("*"):
        path.unlink()
    with pytest.raises(PortClosedError):
        run_job(engine, run_of(inputs), FakePort(tmp_path, on_report=close_after_4))
    again = FakePort(tmp_path, attempt=2)
    resumed = run_job(engine, run_of(inputs, attempt=2), again)
    assert isinstance(resumed, Done)
    assert 0 < again.reports[0][1] <= 4, "it does not begin anew"
    assert resumed.event.result.digest == whole.event.result.digest


def test_job_that_is_lost_while_its_next_scale_is_prepared_does_not_begin_anew(
    engine: Engine, tmp_path: Path, inputs: Inputs[str]
) -> None:
    options = resolve_options("fast", {"size": 48, "scales": ((32, 4),), "steps": 7})

    def evaluations_of_attempt(number: int, close_at: int) -> list[int]:
        def close(event: pb.JobEvent) -> None:
            if event.progress.evaluation == close_at:
                raise PortClosedError

        port = FakePort(tmp_path, attempt=number, on_report=close)
        port.checkpoints = Checkpoints(FolderFiles(tmp_path / "checkpoints"), number, 3600.0)
        with suppress(PortClosedError):
            run_job(engine, Run("jobs/a", number, inputs, options, ProgressOptions(every=1), "fast"), port)
        return [progress.evaluation for progress in port.events("progress")]

    assert evaluations_of_attempt(1, close_at=3) == [1, 2, 3]
    assert evaluations_of_attempt(2, close_at=5) == [1, 2, 3, 4, 5], "an hour passes between two checkpoints"
    assert evaluations_of_attempt(3, close_at=99) == [5, 6, 7], "but the end of a scale has its own"
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1, "and the end of the job has none"


def test_cancelled_job_stops(engine: Engine, port: FakePort, inputs: Inputs[str]) -> None:
    def cancel(event: pb.JobEvent) -> None:
        port.cancelled = event.progress.evaluation == 2

    port.on_report = cancel
    assert run_job(engine, run_of(inputs), port) == Stopped("jobs/a", 1)
    assert len(port.events("progress")) == 2


def test_pictures_are_refused_by_name(engine: Engine, port: FakePort, inputs: Inputs[str]) -> None:
    bad = port.blobs.put([b"no picture"])
    for damaged, name in (
        (Inputs(bad, inputs.styles), "content"),
        (Inputs(inputs.content, (Style(bad),)), "style"),
        (Inputs(inputs.content, (*inputs.styles, Style(inputs.content, 1.0, bad))), "styles[1].mask"),
    ):
        end = run_job(engine, run_of(damaged), port)
        assert isinstance(end, Refused)
        assert [violation.field for violation in end.violations] == [name]


def test_one_picture_is_decoded_once_and_all_together_are_limited(
    engine: Engine, port: FakePort, inputs: Inputs[str], landscape: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []
    real = module._decode

    def counting(name: str, *arguments: Any) -> Any:
        decoded.append(name)
        return real(name, *arguments)

    monkeypatch.setattr(module, "_decode", counting)
    again = replace(inputs, start_picture=inputs.content)
    assert isinstance(run_job(engine, run_of(again), port), Done)
    assert decoded == ["content", "style"]
    monkeypatch.setattr(module, "TOGETHER", 1)
    port.limits = ImageLimits(pixels=800_000)  # the photo has 699,392, and the painting 480,000
    refused = run_job(engine, run_of(inputs, attempt=2), port)
    assert isinstance(refused, Refused)
    assert "1,179,392 pixels together; at most 800,000" in str(refused)


@pytest.mark.parametrize(
    ("limits", "switch"),
    [(ImageLimits(pixels=1000), "--max-pixels"), (ImageLimits(bytes=1000), "--max-image-bytes")],
)
def test_limits_are_named_by_the_servers_switch(
    engine: Engine, port: FakePort, inputs: Inputs[str], limits: ImageLimits, switch: str
) -> None:
    port.limits = limits
    end = run_job(engine, run_of(inputs), port)
    assert isinstance(end, Refused)
    assert end.violations[0].description.endswith(f"at most 1,000 are accepted; the server's {switch} sets the limit")


def test_warnings_are_prefixed_by_the_pictures_name(
    engine: Engine, port: FakePort, inputs: Inputs[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = module._decode

    def warned(name: str, digest: str, colour_space: str, port: Port) -> Any:
        picture = decoded(name, digest, colour_space, port)
        object.__setattr__(picture, "warnings", (f"a remark on {name}", "another"))
        return picture

    monkeypatch.setattr(module, "_decode", warned)
    assert isinstance(run_job(engine, run_of(inputs), port), Done)
    (started,) = port.events("started")
    assert list(started.warnings) == [
        "content: a remark on content", "content: another", "style: a remark on style", "style: another"
    ]  # fmt: skip


def test_lost_picture_and_unexpected_error_fail_the_job(
    engine: Engine, port: FakePort, inputs: Inputs[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    end = run_job(engine, run_of(Inputs("0" * 64, inputs.styles)), port)
    assert end == Failed("jobs/a", 1, "one of the job's pictures is missing or damaged on the server's disk")

    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(engine, "prepare", broken)
    end = run_job(engine, run_of(inputs), port)
    assert end == Failed("jobs/a", 1, "the job failed inside the server; see its log for job jobs/a")


def test_memory_that_runs_out_is_told_with_the_size_and_the_cause_is_logged(
    engine: Engine,
    port: FakePort,
    inputs: Inputs[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\ntensor with shape[9]")

    monkeypatch.setattr(WholeObjective, "__call__", full)
    end = run_job(engine, run_of(inputs), port)
    assert isinstance(end, Exhausted)
    assert end.reason.startswith("memory: this machine had too little for 48 x ")
    (record,) = caplog.records
    assert record.getMessage().endswith("(OOM when allocating tensor with shape[9])")


def test_job_waits_while_the_store_is_down(
    engine: Engine, tmp_path: Path, port: FakePort, inputs: Inputs[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it needs of it first: pictures, checkpoints, or room for the result."""
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    failures = []

    def down_at_first(method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            if len(failures) % 3 < 2:
                failures.append(method.__name__)
                raise StoreUnavailableError(5, "it is down")
            failures.append("up")
            return method(*arguments)

        return called

    for owner, name in ((port.blobs, "read"), (port.checkpoints._files, "names"), (port.blobs, "put")):
        monkeypatch.setattr(owner, name, down_at_first(getattr(owner, name)))
    assert isinstance(run_job(engine, run_of(inputs), port), Done)
    assert {"read", "names", "put"} <= set(failures)


def test_job_that_waits_for_the_store_can_be_cancelled(
    engine: Engine, port: FakePort, inputs: Inputs[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(digest: str) -> bytes:
        port.cancelled = True
        raise StoreUnavailableError(5, "it is down")

    monkeypatch.setattr(port.blobs, "read", down)
    assert run_job(engine, run_of(inputs), port) == Stopped("jobs/a", 1)


def test_result_waits_until_the_disk_has_room(
    engine: Engine, port: FakePort, inputs: Inputs[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put, tries = port.blobs.put, []

    def full_at_first(pieces: list[bytes]) -> str:
        tries.append(len(pieces))
        if len(tries) < 3:
            raise OSError(28, "No space left on device")
        return put(pieces)

    monkeypatch.setattr(port.blobs, "put", full_at_first)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    assert isinstance(run_job(engine, run_of(inputs), port), Done)
    assert len(tries) == 3
