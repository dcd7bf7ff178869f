import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.rpc import error_details_pb2 as _error_details_pb2
from tfstyle.v1 import style_transfer_pb2 as _style_transfer_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Report(_message.Message):
    __slots__ = ("ready", "cannot_start", "retiring", "alive", "update", "end", "estimated", "decoding", "no_device")
    READY_FIELD_NUMBER: _ClassVar[int]
    CANNOT_START_FIELD_NUMBER: _ClassVar[int]
    RETIRING_FIELD_NUMBER: _ClassVar[int]
    ALIVE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    DECODING_FIELD_NUMBER: _ClassVar[int]
    NO_DEVICE_FIELD_NUMBER: _ClassVar[int]
    ready: Ready
    cannot_start: CannotStart
    retiring: _empty_pb2.Empty
    alive: Alive
    update: Update
    end: End
    estimated: Estimated
    decoding: Decoding
    no_device: NoDevice
    def __init__(self, ready: _Optional[_Union[Ready, _Mapping]] = ..., cannot_start: _Optional[_Union[CannotStart, _Mapping]] = ..., retiring: _Optional[_Union[_empty_pb2.Empty, _Mapping]] = ..., alive: _Optional[_Union[Alive, _Mapping]] = ..., update: _Optional[_Union[Update, _Mapping]] = ..., end: _Optional[_Union[End, _Mapping]] = ..., estimated: _Optional[_Union[Estimated, _Mapping]] = ..., decoding: _Optional[_Union[Decoding, _Mapping]] = ..., no_device: _Optional[_Union[NoDevice, _Mapping]] = ...) -> None: ...

class Ready(_message.Message):
    __slots__ = ("network",)
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    network: _style_transfer_pb2.Network
    def __init__(self, network: _Optional[_Union[_style_transfer_pb2.Network, _Mapping]] = ...) -> None: ...

class CannotStart(_message.Message):
    __slots__ = ("reason", "permanent")
    REASON_FIELD_NUMBER: _ClassVar[int]
    PERMANENT_FIELD_NUMBER: _ClassVar[int]
    reason: str
    permanent: bool
    def __init__(self, reason: _Optional[str] = ..., permanent: bool = ...) -> None: ...

class NoDevice(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class Alive(_message.Message):
    __slots__ = ("expected",)
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    expected: _duration_pb2.Duration
    def __init__(self, expected: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Decoding(_message.Message):
    __slots__ = ("picture",)
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    picture: str
    def __init__(self, picture: _Optional[str] = ...) -> None: ...

class Update(_message.Message):
    __slots__ = ("job", "attempt", "event", "reached", "preview")
    JOB_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    REACHED_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    job: str
    attempt: int
    event: _style_transfer_pb2.JobEvent
    reached: int
    preview: bytes
    def __init__(self, job: _Optional[str] = ..., attempt: _Optional[int] = ..., event: _Optional[_Union[_style_transfer_pb2.JobEvent, _Mapping]] = ..., reached: _Optional[int] = ..., preview: _Optional[bytes] = ...) -> None: ...

class Estimated(_message.Message):
    __slots__ = ("started", "refused", "unprepared")
    STARTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    UNPREPARED_FIELD_NUMBER: _ClassVar[int]
    started: _style_transfer_pb2.Started
    refused: _error_details_pb2.BadRequest
    unprepared: str
    def __init__(self, started: _Optional[_Union[_style_transfer_pb2.Started, _Mapping]] = ..., refused: _Optional[_Union[_error_details_pb2.BadRequest, _Mapping]] = ..., unprepared: _Optional[str] = ...) -> None: ...

class End(_message.Message):
    __slots__ = ("job", "attempt", "done", "stopped", "refused", "unprepared", "failed", "exhausted")
    JOB_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    UNPREPARED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    EXHAUSTED_FIELD_NUMBER: _ClassVar[int]
    job: str
    attempt: int
    done: _style_transfer_pb2.Result
    stopped: _empty_pb2.Empty
    refused: _error_details_pb2.BadRequest
    unprepared: str
    failed: str
    exhausted: str
    def __init__(self, job: _Optional[str] = ..., attempt: _Optional[int] = ..., done: _Optional[_Union[_style_transfer_pb2.Result, _Mapping]] = ..., stopped: _Optional[_Union[_empty_pb2.Empty, _Mapping]] = ..., refused: _Optional[_Union[_error_details_pb2.BadRequest, _Mapping]] = ..., unprepared: _Optional[str] = ..., failed: _Optional[str] = ..., exhausted: _Optional[str] = ...) -> None: ...
