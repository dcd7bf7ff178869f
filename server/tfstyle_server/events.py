"""The engine's records as events of the contract. Used in workers: it may touch pixels."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1.conversion import options_to_proto

if TYPE_CHECKING:
    from tfstyle.transfer import Delivered, Iterate, Transfer


def started(transfer: Transfer) -> pb.StylizeEvent:
    """The plan: network, size, steps and the options in force."""
    network = transfer.network
    width, height = transfer.size
    return pb.StylizeEvent(
        started=pb.Started(
            network=pb.Network(
                name=network.name, origin=network.origin, digest=network.digest, note=transfer.choice.note
            ),
            width=width,
            height=height,
            steps=transfer.options.steps,
            options=options_to_proto(dataclasses.asdict(transfer.options)),
            memory=transfer.estimate.memory,
            expected=_duration(transfer.estimate.seconds),
            tiled=transfer.estimate.tiled,
        )
    )


def progress(iterate: Iterate, preview_size: int | None) -> pb.StylizeEvent:
    """One evaluation, with a preview of at most `preview_size` pixels a side unless that is None."""
    event = pb.Progress(
        evaluation=iterate.evaluation,
        steps=iterate.steps,
        losses=_losses(iterate.total, iterate.losses),
        elapsed=_duration(iterate.seconds),
        preview=b"" if preview_size is None else _preview(iterate, preview_size),
    )
    if iterate.remaining is not None:
        event.remaining.CopyFrom(_duration(iterate.remaining))
    return pb.StylizeEvent(progress=event)


def result(delivered: Delivered, png: bytes, evaluations: int, seconds: float) -> pb.StylizeEvent:
    """The end: what was delivered and what it is worth in 8 bits."""
    width, height = delivered.picture.size
    return pb.StylizeEvent(
        result=pb.Result(
            digest=hashlib.sha256(png).hexdigest(),
            size=len(png),
            width=width,
            height=height,
            delivered=_losses(delivered.total, delivered.losses),
            evaluations=evaluations,
            elapsed=_duration(seconds),
        )
    )


def _losses(total: float, parts: Mapping[str, Mapping[str, float]]) -> pb.Losses:
    return pb.Losses(
        total=total,
        parts=[
            pb.LossPart(name=name, value=sum(layers.values()), by_layer=dict(layers)) for name, layers in parts.items()
        ],
    )


def _preview(iterate: Iterate, size: int) -> bytes:
    from tfstyle.images import encode_png, resize

    picture = iterate.picture()
    scale = min(1.0, size / max(picture.size))
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return encode_png(resize(picture, (width, height)))


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration
