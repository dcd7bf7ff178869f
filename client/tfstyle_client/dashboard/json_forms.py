"""The contract's messages as the values of the HTTP API, which `json.dumps` can write."""

from __future__ import annotations

import math
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import status_pb2

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client.dashboard.problems import field_name
from tfstyle_client.dashboard.request_forms import digest_of, request_form
from tfstyle_client.errors import BadRequestError, from_status

Json = dict[str, Any]


def job_id(name: str) -> str:
    """The id of the job "jobs/ID"."""
    return name.removeprefix("jobs/")


def job_form(job: pb.Job) -> Json:
    """A job."""
    return {
        "id": job_id(job.name),
        "state": pb.Job.State.Name(job.state).removeprefix("STATE_").lower(),
        "created": _time(job, "create_time"),
        "began": _time(job, "start_time"),
        "ended": _time(job, "end_time"),
        "position": job.position,
        "attempts": job.attempts,
        "sequence": job.sequence,
        "request": request_form(job.request) if job.HasField("request") else None,
        "started": started_form(job.started) if job.HasField("started") else None,
        "progress": _progress_form(job.progress) if job.HasField("progress") else None,
        "preview": digest_of(job.preview_image),
        "result": _result_form(job.result) if job.HasField("result") else None,
        "error": _error_form(job.error) if job.HasField("error") else None,
    }


def event_form(event: pb.JobEvent) -> Json:
    """An event of a job, without the bytes of a preview."""
    kind = str(event.WhichOneof("event"))
    match kind:
        case "accepted":
            fields: Json = {"position": event.accepted.position}
        case "begun":
            fields = {"attempt": event.begun.attempt}
        case "started":
            fields = started_form(event.started)
        case "progress":
            fields = _progress_form(event.progress)
        case "interrupted":
            fields = {"reason": event.interrupted.reason}
        case "result":
            fields = _result_form(event.result)
        case "failed":
            fields = {"error": _error_form(event.failed)}
        case "cancelled":
            fields = {"reason": event.cancelled.reason}
        case _:
            fields = {}  # of a later release
    return {"sequence": event.sequence, "time": _timestamp(event.time), "kind": kind, **fields}


def started_form(started: pb.Started) -> Json:
    """What a worker has begun, or would begin."""
    return {
        "network": started.network.name,
        "origin": started.network.origin,
        "digest": started.network.digest,
        "note": started.network.note,
        "precision": started.precision.name,
        "precision_note": started.precision.note,
        "device": _device_form(started.device) if started.HasField("device") else None,
        "width": started.width,
        "height": started.height,
        "max_evaluations": started.max_evaluations,
        "memory": started.memory,
        "expected": _seconds(started.expected),
        "tracing": _seconds(started.tracing),
        "tiled": started.tiled,
        "warnings": list(started.warnings),
        "stages": [
            {"network": each.network, "width": each.width, "height": each.height, "evaluations": each.evaluations}
            for each in started.stages
        ],
    }


def _device_form(device: pb.Device) -> Json:
    return {
        "name": device.name,
        "gpu": device.gpu,
        "tf32": device.tf32,
        "repeatable": device.repeatable,
        "note": device.note,
    }


def _error_form(status: status_pb2.Status) -> str:
    """Why a job has failed, with the fields named as the HTTP API names them."""
    error = from_status(status)
    violations = error.violations if isinstance(error, BadRequestError) else ()
    return "; ".join(f"{field_name(each.field)}: {each.description}" for each in violations) or status.message


def _progress_form(progress: pb.Progress) -> Json:
    return {
        "evaluation": progress.evaluation,
        "max_evaluations": progress.max_evaluations,
        "stage": progress.stage,
        "elapsed": _seconds(progress.elapsed),
        "remaining": _seconds(progress.remaining) if progress.HasField("remaining") else None,
        "losses": _losses_form(progress.losses),
        "preview": digest_of(progress.preview_image),
    }


def _result_form(result: pb.Result) -> Json:
    return {
        "digest": result.digest,
        "bytes": result.size,
        "width": result.width,
        "height": result.height,
        "evaluations": result.evaluations,
        "elapsed": _seconds(result.elapsed),
        "losses": _losses_form(result.delivered),
    }


def _losses_form(losses: pb.Losses) -> Json:
    return {
        "total": _finite(losses.total),
        "weighted": {part.name: _finite(part.weighted) for part in losses.parts},
        "by_layer": {
            part.name: {layer: _finite(value) for layer, value in sorted(part.by_layer.items())}
            for part in losses.parts
        },
    }


def _finite(value: float) -> float | None:
    """`value` with as many digits as a curve shows; JSON has no infinity."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _seconds(duration: Duration) -> float:
    return round(duration.ToNanoseconds() / 1e9, 3)


def _time(job: pb.Job, field: str) -> str | None:
    return _timestamp(getattr(job, field)) if job.HasField(field) else None


def _timestamp(time: Timestamp) -> str:
    return f"{time.ToDatetime().isoformat(timespec='milliseconds')}Z"
