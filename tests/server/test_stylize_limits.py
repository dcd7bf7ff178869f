"""Calls to Stylize beyond a limit, in the queue, cancelled, or out of time."""

from __future__ import annotations

import time
from collections.abc import Callable

import grpc
import pytest
from stylize_calls import LONG, refusal, request, stub_of

from conftest import Server


def test_larger_picture_than_the_limit(own_server: Callable[..., Server], landscape: bytes, painting: bytes) -> None:
    small = own_server("--max-image-bytes", "160000", "--max-pixels", "500000")
    error, details = refusal(stub_of(small).Stylize(request(landscape, painting)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details[0].field_violations[0].field == "style"
    assert "at most 160,000 are accepted; the server's --max-image-bytes sets the limit" in error.details()
    error, _ = refusal(stub_of(small).Stylize(request(landscape, landscape)))
    assert "at most 500,000 are accepted; the server's --max-pixels sets the limit" in error.details()


@pytest.mark.slow
def test_picture_beyond_the_memory_is_tiled_or_refused_before_it_runs(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    stub = stub_of(own_server("--memory", "440"))
    message = request(landscape, painting, size=480, steps=1)
    message.options.precision = "float32"
    events = list(stub.Stylize(message))
    (started,) = (event.started for event in events if event.HasField("started"))
    assert started.tiled
    assert 300e6 < started.memory <= 440 * 2**20
    assert started.expected.ToNanoseconds() > 0
    error, (details,) = refusal(stub.Stylize(request(landscape, painting, size=1500, steps=1)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in details.field_violations] == ["options.size"]
    assert "would fit" in details.field_violations[0].description


def test_full_queue_streams_positions_and_refuses_with_a_delay(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--queue", "2")
    server.worker_pid()
    stub = stub_of(server)
    running = stub.Stylize(request(landscape, painting, steps=LONG))
    assert next(running).accepted.position == 0
    while not next(running).HasField("progress"):
        pass
    waiting = [stub.Stylize(request(landscape, painting, steps=2)) for _ in range(2)]
    # The calls may arrive in either order.
    first = sorted((next(call).accepted.position, index) for index, call in enumerate(waiting))
    assert [position for position, _ in first] == [0, 1]
    error, details = refusal(stub.Stylize(request(landscape, painting)))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details[0].retry_delay.ToTimedelta().total_seconds() > 0
    running.cancel()
    last = waiting[first[1][1]]
    assert next(last).accepted.position == 0, "it moves up"
    assert any(event.HasField("result") for event in last)


def test_cancelling_stops_the_computation_within_an_evaluation(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server()
    call = stub_of(server).Stylize(request(landscape, painting, steps=LONG))
    seconds = 0.0
    for event in call:
        if event.progress.evaluation >= 5:
            seconds = event.progress.elapsed.ToTimedelta().total_seconds()
            break
    began = time.monotonic()
    call.cancel()
    server.wait_for_log(r"job \w+: cancelled after", seconds=10)
    assert seconds > 0
    assert time.monotonic() - began < 5
    # The worker is free: the next job is not behind 9,990 evaluations.
    assert any(event.HasField("result") for event in stub_of(server).Stylize(request(landscape, painting), timeout=60))


def test_waiting_request_can_be_cancelled(own_server: Callable[..., Server], landscape: bytes, painting: bytes) -> None:
    server = own_server("--queue", "1")
    server.worker_pid()
    stub = stub_of(server)
    running = stub.Stylize(request(landscape, painting, steps=LONG))
    while not next(running).HasField("progress"):
        pass
    waiting = stub.Stylize(request(landscape, painting))
    next(waiting)
    waiting.cancel()
    server.wait_for_log("Stylize CANCELLED")
    another = stub.Stylize(request(landscape, painting))
    assert next(another).accepted.position == 0, "the place is free again"
    running.cancel()


def test_deadline_is_obeyed(own_server: Callable[..., Server], landscape: bytes, painting: bytes) -> None:
    server = own_server()
    server.worker_pid()
    error, _ = refusal(stub_of(server).Stylize(request(landscape, painting, steps=LONG), timeout=6))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    server.wait_for_log(r"job \w+: cancelled after", seconds=15)
