"""What a serialised message has besides its `bytes` fields, counted before it is parsed.

Parsing a list of a million empty messages takes fifty times as much memory as its bytes, so a limit on the bytes of a
message with pictures would bound nothing.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}


class TooMuchError(Exception):
    """A message has more than it may have besides its `bytes` fields."""


def check_rest(data: bytes, kind: Any, most: int) -> None:
    """Raise `TooMuchError` where a message has more than `most` bytes besides its `bytes` fields.

    `data` is the serialised message, `kind` its descriptor.

    Takes time for what it counts, not for what is in `bytes` fields. What is no valid message is left to the parser.
    """
    counted = 0
    spans = [(0, len(data), kind)]
    while spans:
        position, end, descriptor = spans.pop()
        while position < end:
            begin = position
            tag, position = _varint(data, position, end)
            number, wire_type = tag >> 3, tag & 7
            if wire_type == _LENGTH:
                length, position = _varint(data, position, end)
                field = descriptor.fields_by_number.get(number)
                counted += position - begin
                if field is not None and field.message_type is not None:
                    spans.append((position, min(position + length, end), field.message_type))
                elif field is None or field.type != FieldDescriptor.TYPE_BYTES:
                    counted += length
                position += length
            else:
                if wire_type == _VARINT:
                    _, position = _varint(data, position, end)
                counted += position - begin + _SIZES.get(wire_type, 0)
                position += _SIZES.get(wire_type, 0)
            if counted > most:
                raise TooMuchError


def _varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    """(value, position after it) of the number at `position`; it ends at `end` in any case."""
    value = shift = 0
    while position < end:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 or shift > 63:
            break
    return value, position
