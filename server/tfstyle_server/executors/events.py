"""Converts the engine's records to events of the contract. Runs in workers, since it encodes pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration

from tfstyle.inputs import Size
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_to_proto

if TYPE_CHECKING:
    from tfstyle.device import Device
    from tfstyle.iterate import Delivered, Iterate
    from tfstyle.layout import Outline
    from tfstyle.losses import Parts
    from tfstyle.memory import Estimate
    from tfstyle.networks.choice import Choice
    from tfstyle.networks.network import Network
    from tfstyle.options import TransferOptions
    from tfstyle.precision import Precision
    from tfstyle.transfer import Transfer


def network_message(network: Network, note: str) -> pb.Network:
    """The network, with a note for the user on why it was chosen."""
    return pb.Network(name=network.name, origin=network.origin, digest=network.digest, note=note)


def started(transfer: Transfer) -> pb.JobEvent:
    """The event with what is about to be computed: network, size, options, estimates and warnings."""
    stages = [(each.network, each.size, each.evaluations) for each in transfer.stages]
    return pb.JobEvent(
        started=_started(
            transfer.choice,
            transfer.precision,
            transfer.device,
            transfer.options,
            transfer.estimate,
            transfer.warnings,
            stages,
        )
    )


def outlined(outline: Outline, options: TransferOptions) -> pb.Started:
    """The same for a transfer that is not prepared."""
    stages = [
        (step.network, (step.demand.pyramid.width, step.demand.pyramid.height), step.evaluations)
        for step in outline.steps
    ]
    return _started(
        outline.choice, outline.precision, outline.device, options, outline.estimate, outline.warnings, stages
    )


def _started(
    choice: Choice,
    precision: Precision,
    device: Device,
    options: TransferOptions,
    estimate: Estimate,
    warnings: Sequence[str],
    stages: Sequence[tuple[Network, Size, int]],
) -> pb.Started:
    """`stages` are (network, size of the picture, evaluations), the last one that of the result."""
    network, (width, height), _ = stages[-1]
    return pb.Started(
        network=network_message(network, choice.note),
        width=width,
        height=height,
        max_evaluations=options.max_evaluations,
        options=options_to_proto(dataclasses.asdict(options)),
        memory=estimate.memory,
        expected=_duration(estimate.seconds),
        tracing=_duration(estimate.tracing),
        tiled=estimate.tiled,
        warnings=warnings,
        precision=pb.Precision(name=precision.name, note=precision.note),
        device=pb.Device(name=device.name, gpu=device.is_gpu, tf32=device.tf32, repeatable=device.repeatable),
        stages=[
            pb.Stage(network=each.name, width=size[0], height=size[1], evaluations=evaluations)
            for each, size, evaluations in stages
        ],
    )


def progress(iterate: Iterate, preview_image: str) -> pb.JobEvent:
    """The event of one evaluation, without preview. `preview_image` is the name of the kept one, or empty."""
    event = pb.Progress(
        evaluation=iterate.evaluation,
        max_evaluations=iterate.max_evaluations,
        losses=_losses(iterate.total, iterate.losses),
        elapsed=_duration(iterate.seconds),
        stage=iterate.stage,
        preview_image=preview_image,
    )
    if iterate.remaining is not None:
        event.remaining.CopyFrom(_duration(iterate.remaining))
    return pb.JobEvent(progress=event)


def preview(iterate: Iterate, size: int, file_format: str) -> bytes:
    """The current picture in a format for previews, its longer side at most `size` pixels. Never enlarges."""
    from tfstyle.images import encode_png, encode_webp, resize

    picture = iterate.picture()
    scale = min(1.0, size / max(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    small = resize(picture, (width, height))
    return encode_webp(small) if file_format == "webp" else encode_png(small)


def result(delivered: Delivered, digest: str, size: int, evaluations: int, seconds: float) -> pb.JobEvent:
    """The event of the delivered picture, a PNG of `size` bytes with the SHA-256 `digest`.

    `evaluations` were made in `seconds`.
    """
    width, height = delivered.picture.size
    return pb.JobEvent(
        result=pb.Result(
            digest=digest,
            size=size,
            width=width,
            height=height,
            delivered=_losses(delivered.total, delivered.losses),
            evaluations=evaluations,
            elapsed=_duration(seconds),
        )
    )


def _losses(total: float, parts: Parts) -> pb.Losses:
    return pb.Losses(
        total=total,
        parts=[
            pb.LossPart(name=name, value=part.value, by_layer=dict(part.by_layer), weighted=part.weighted)
            for name, part in parts.items()
        ],
    )


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration
