"""Options between the contract's messages and plain values, field by field by name.

Both ends use it; there is no second list of fields. Presence is kept: what is not set stays unset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfstyle.options import KINDS
from tfstyle.v1.style_transfer_pb2 import Layers, TransferOptions


def options_to_proto(values: Mapping[str, Any]) -> TransferOptions:
    """The message with the fields that `values` name; None leaves a field unset.

    Raises ValueError or TypeError, as protobuf does, where a value does not fit its field.
    """
    message = TransferOptions()
    for name, value in values.items():
        if value is None:
            continue
        if KINDS[name] is tuple:
            getattr(message, name).CopyFrom(Layers(names=value))
        else:
            setattr(message, name, value)
    return message


def options_from_proto(message: TransferOptions) -> dict[str, Any]:
    """The fields that are set in `message`, as `tfstyle.options.resolve_options` takes them."""
    return {
        field.name: tuple(value.names) if KINDS[field.name] is tuple else value for field, value in message.ListFields()
    }
