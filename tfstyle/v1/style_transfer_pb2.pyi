import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StylizeRequest(_message.Message):
    __slots__ = ("content", "style", "preset", "options", "progress", "content_image", "style_image", "detach", "inputs", "strength", "sequence")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_IMAGE_FIELD_NUMBER: _ClassVar[int]
    STYLE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    style: bytes
    preset: str
    options: TransferOptions
    progress: ProgressOptions
    content_image: str
    style_image: str
    detach: bool
    inputs: Inputs
    strength: float
    sequence: Sequence
    def __init__(self, content: _Optional[bytes] = ..., style: _Optional[bytes] = ..., preset: _Optional[str] = ..., options: _Optional[_Union[TransferOptions, _Mapping]] = ..., progress: _Optional[_Union[ProgressOptions, _Mapping]] = ..., content_image: _Optional[str] = ..., style_image: _Optional[str] = ..., detach: bool = ..., inputs: _Optional[_Union[Inputs, _Mapping]] = ..., strength: _Optional[float] = ..., sequence: _Optional[_Union[Sequence, _Mapping]] = ...) -> None: ...

class Sequence(_message.Message):
    __slots__ = ("name", "frame", "frames", "rate")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    frame: int
    frames: int
    rate: float
    def __init__(self, name: _Optional[str] = ..., frame: _Optional[int] = ..., frames: _Optional[int] = ..., rate: _Optional[float] = ...) -> None: ...

class Inputs(_message.Message):
    __slots__ = ("content", "styles", "start_picture", "keep", "regions", "temporal")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    START_PICTURE_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    TEMPORAL_FIELD_NUMBER: _ClassVar[int]
    content: Picture
    styles: _containers.RepeatedCompositeFieldContainer[Style]
    start_picture: Picture
    keep: Picture
    regions: Picture
    temporal: _containers.RepeatedCompositeFieldContainer[Temporal]
    def __init__(self, content: _Optional[_Union[Picture, _Mapping]] = ..., styles: _Optional[_Iterable[_Union[Style, _Mapping]]] = ..., start_picture: _Optional[_Union[Picture, _Mapping]] = ..., keep: _Optional[_Union[Picture, _Mapping]] = ..., regions: _Optional[_Union[Picture, _Mapping]] = ..., temporal: _Optional[_Iterable[_Union[Temporal, _Mapping]]] = ...) -> None: ...

class Temporal(_message.Message):
    __slots__ = ("picture", "weights", "weight")
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    picture: Picture
    weights: Picture
    weight: float
    def __init__(self, picture: _Optional[_Union[Picture, _Mapping]] = ..., weights: _Optional[_Union[Picture, _Mapping]] = ..., weight: _Optional[float] = ...) -> None: ...

class Style(_message.Message):
    __slots__ = ("picture", "weight", "mask", "region", "regions")
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    picture: Picture
    weight: float
    mask: Picture
    region: Picture
    regions: Picture
    def __init__(self, picture: _Optional[_Union[Picture, _Mapping]] = ..., weight: _Optional[float] = ..., mask: _Optional[_Union[Picture, _Mapping]] = ..., region: _Optional[_Union[Picture, _Mapping]] = ..., regions: _Optional[_Union[Picture, _Mapping]] = ...) -> None: ...

class Picture(_message.Message):
    __slots__ = ("data", "image")
    DATA_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    image: str
    def __init__(self, data: _Optional[bytes] = ..., image: _Optional[str] = ...) -> None: ...

class TransferOptions(_message.Message):
    __slots__ = ("network", "precision", "pooling", "padding", "seamless", "size", "style_scale", "style_fit", "colour", "content_layers", "style_layers", "style_loss", "content_layer_weights", "style_layer_weights", "balance", "content_weight", "style_weight", "tv_weight", "tv_form", "temporal_weight", "gamut_weight", "optimizer", "max_evaluations", "lite_evaluations", "split_evaluations", "start", "seed", "coarsest_scale", "scales", "pyramid_levels", "pyramid_decay", "history_size", "learning_rate", "learning_rate_decay", "learning_rate_decay_every", "depth", "colour_space", "metadata")
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    POOLING_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    SEAMLESS_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    STYLE_SCALE_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIT_FIELD_NUMBER: _ClassVar[int]
    COLOUR_FIELD_NUMBER: _ClassVar[int]
    CONTENT_LAYERS_FIELD_NUMBER: _ClassVar[int]
    STYLE_LAYERS_FIELD_NUMBER: _ClassVar[int]
    STYLE_LOSS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_LAYER_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    STYLE_LAYER_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    STYLE_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    TV_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    TV_FORM_FIELD_NUMBER: _ClassVar[int]
    TEMPORAL_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    GAMUT_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    MAX_EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    LITE_EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    SPLIT_EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    COARSEST_SCALE_FIELD_NUMBER: _ClassVar[int]
    SCALES_FIELD_NUMBER: _ClassVar[int]
    PYRAMID_LEVELS_FIELD_NUMBER: _ClassVar[int]
    PYRAMID_DECAY_FIELD_NUMBER: _ClassVar[int]
    HISTORY_SIZE_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_DECAY_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_DECAY_EVERY_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    COLOUR_SPACE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    network: str
    precision: str
    pooling: str
    padding: str
    seamless: str
    size: int
    style_scale: float
    style_fit: str
    colour: str
    content_layers: Layers
    style_layers: Layers
    style_loss: str
    content_layer_weights: LayerWeights
    style_layer_weights: LayerWeights
    balance: str
    content_weight: float
    style_weight: float
    tv_weight: float
    tv_form: str
    temporal_weight: float
    gamut_weight: float
    optimizer: str
    max_evaluations: int
    lite_evaluations: int
    split_evaluations: int
    start: str
    seed: int
    coarsest_scale: int
    scales: Scales
    pyramid_levels: int
    pyramid_decay: float
    history_size: int
    learning_rate: float
    learning_rate_decay: float
    learning_rate_decay_every: int
    depth: int
    colour_space: str
    metadata: str
    def __init__(self, network: _Optional[str] = ..., precision: _Optional[str] = ..., pooling: _Optional[str] = ..., padding: _Optional[str] = ..., seamless: _Optional[str] = ..., size: _Optional[int] = ..., style_scale: _Optional[float] = ..., style_fit: _Optional[str] = ..., colour: _Optional[str] = ..., content_layers: _Optional[_Union[Layers, _Mapping]] = ..., style_layers: _Optional[_Union[Layers, _Mapping]] = ..., style_loss: _Optional[str] = ..., content_layer_weights: _Optional[_Union[LayerWeights, _Mapping]] = ..., style_layer_weights: _Optional[_Union[LayerWeights, _Mapping]] = ..., balance: _Optional[str] = ..., content_weight: _Optional[float] = ..., style_weight: _Optional[float] = ..., tv_weight: _Optional[float] = ..., tv_form: _Optional[str] = ..., temporal_weight: _Optional[float] = ..., gamut_weight: _Optional[float] = ..., optimizer: _Optional[str] = ..., max_evaluations: _Optional[int] = ..., lite_evaluations: _Optional[int] = ..., split_evaluations: _Optional[int] = ..., start: _Optional[str] = ..., seed: _Optional[int] = ..., coarsest_scale: _Optional[int] = ..., scales: _Optional[_Union[Scales, _Mapping]] = ..., pyramid_levels: _Optional[int] = ..., pyramid_decay: _Optional[float] = ..., history_size: _Optional[int] = ..., learning_rate: _Optional[float] = ..., learning_rate_decay: _Optional[float] = ..., learning_rate_decay_every: _Optional[int] = ..., depth: _Optional[int] = ..., colour_space: _Optional[str] = ..., metadata: _Optional[str] = ...) -> None: ...

class Layers(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

class LayerWeights(_message.Message):
    __slots__ = ("weights",)
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    weights: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, weights: _Optional[_Iterable[float]] = ...) -> None: ...

class Scales(_message.Message):
    __slots__ = ("scales",)
    SCALES_FIELD_NUMBER: _ClassVar[int]
    scales: _containers.RepeatedCompositeFieldContainer[Scale]
    def __init__(self, scales: _Optional[_Iterable[_Union[Scale, _Mapping]]] = ...) -> None: ...

class Scale(_message.Message):
    __slots__ = ("size", "evaluations")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    size: int
    evaluations: int
    def __init__(self, size: _Optional[int] = ..., evaluations: _Optional[int] = ...) -> None: ...

class ProgressOptions(_message.Message):
    __slots__ = ("every", "preview_every", "preview_size", "preview_format", "kept_previews")
    EVERY_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_EVERY_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_SIZE_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FORMAT_FIELD_NUMBER: _ClassVar[int]
    KEPT_PREVIEWS_FIELD_NUMBER: _ClassVar[int]
    every: int
    preview_every: int
    preview_size: int
    preview_format: str
    kept_previews: int
    def __init__(self, every: _Optional[int] = ..., preview_every: _Optional[int] = ..., preview_size: _Optional[int] = ..., preview_format: _Optional[str] = ..., kept_previews: _Optional[int] = ...) -> None: ...

class StylizeEvent(_message.Message):
    __slots__ = ("sequence", "time", "accepted", "started", "progress", "result", "chunk")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    time: _timestamp_pb2.Timestamp
    accepted: Accepted
    started: Started
    progress: Progress
    result: Result
    chunk: Chunk
    def __init__(self, sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., accepted: _Optional[_Union[Accepted, _Mapping]] = ..., started: _Optional[_Union[Started, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., result: _Optional[_Union[Result, _Mapping]] = ..., chunk: _Optional[_Union[Chunk, _Mapping]] = ...) -> None: ...

class Accepted(_message.Message):
    __slots__ = ("position",)
    POSITION_FIELD_NUMBER: _ClassVar[int]
    position: int
    def __init__(self, position: _Optional[int] = ...) -> None: ...

class Started(_message.Message):
    __slots__ = ("network", "width", "height", "max_evaluations", "options", "memory", "expected", "tiled", "warnings", "stages", "precision", "device", "tracing")
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    TILED_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    TRACING_FIELD_NUMBER: _ClassVar[int]
    network: Network
    width: int
    height: int
    max_evaluations: int
    options: TransferOptions
    memory: int
    expected: _duration_pb2.Duration
    tiled: bool
    warnings: _containers.RepeatedScalarFieldContainer[str]
    stages: _containers.RepeatedCompositeFieldContainer[Stage]
    precision: Precision
    device: Device
    tracing: _duration_pb2.Duration
    def __init__(self, network: _Optional[_Union[Network, _Mapping]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., max_evaluations: _Optional[int] = ..., options: _Optional[_Union[TransferOptions, _Mapping]] = ..., memory: _Optional[int] = ..., expected: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., tiled: bool = ..., warnings: _Optional[_Iterable[str]] = ..., stages: _Optional[_Iterable[_Union[Stage, _Mapping]]] = ..., precision: _Optional[_Union[Precision, _Mapping]] = ..., device: _Optional[_Union[Device, _Mapping]] = ..., tracing: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("name", "gpu", "tf32", "repeatable", "note")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GPU_FIELD_NUMBER: _ClassVar[int]
    TF32_FIELD_NUMBER: _ClassVar[int]
    REPEATABLE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    name: str
    gpu: bool
    tf32: bool
    repeatable: bool
    note: str
    def __init__(self, name: _Optional[str] = ..., gpu: bool = ..., tf32: bool = ..., repeatable: bool = ..., note: _Optional[str] = ...) -> None: ...

class Precision(_message.Message):
    __slots__ = ("name", "note")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    name: str
    note: str
    def __init__(self, name: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class Stage(_message.Message):
    __slots__ = ("network", "width", "height", "evaluations")
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    network: str
    width: int
    height: int
    evaluations: int
    def __init__(self, network: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., evaluations: _Optional[int] = ...) -> None: ...

class Network(_message.Message):
    __slots__ = ("name", "origin", "digest", "note")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    name: str
    origin: str
    digest: str
    note: str
    def __init__(self, name: _Optional[str] = ..., origin: _Optional[str] = ..., digest: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class Losses(_message.Message):
    __slots__ = ("total", "parts")
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    total: float
    parts: _containers.RepeatedCompositeFieldContainer[LossPart]
    def __init__(self, total: _Optional[float] = ..., parts: _Optional[_Iterable[_Union[LossPart, _Mapping]]] = ...) -> None: ...

class LossPart(_message.Message):
    __slots__ = ("name", "value", "by_layer", "weighted")
    class ByLayerEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    BY_LAYER_FIELD_NUMBER: _ClassVar[int]
    WEIGHTED_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    by_layer: _containers.ScalarMap[str, float]
    weighted: float
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ..., by_layer: _Optional[_Mapping[str, float]] = ..., weighted: _Optional[float] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("evaluation", "max_evaluations", "losses", "elapsed", "remaining", "preview", "stage", "preview_image")
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    MAX_EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_IMAGE_FIELD_NUMBER: _ClassVar[int]
    evaluation: int
    max_evaluations: int
    losses: Losses
    elapsed: _duration_pb2.Duration
    remaining: _duration_pb2.Duration
    preview: bytes
    stage: int
    preview_image: str
    def __init__(self, evaluation: _Optional[int] = ..., max_evaluations: _Optional[int] = ..., losses: _Optional[_Union[Losses, _Mapping]] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., preview: _Optional[bytes] = ..., stage: _Optional[int] = ..., preview_image: _Optional[str] = ...) -> None: ...

class Result(_message.Message):
    __slots__ = ("digest", "size", "width", "height", "delivered", "evaluations", "elapsed")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_FIELD_NUMBER: _ClassVar[int]
    digest: str
    size: int
    width: int
    height: int
    delivered: Losses
    evaluations: int
    elapsed: _duration_pb2.Duration
    def __init__(self, digest: _Optional[str] = ..., size: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., delivered: _Optional[_Union[Losses, _Mapping]] = ..., evaluations: _Optional[int] = ..., elapsed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Chunk(_message.Message):
    __slots__ = ("offset", "data")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    offset: int
    data: bytes
    def __init__(self, offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class CreateJobRequest(_message.Message):
    __slots__ = ("transfer", "request_id")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    transfer: StylizeRequest
    request_id: str
    def __init__(self, transfer: _Optional[_Union[StylizeRequest, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("name", "state", "create_time", "start_time", "end_time", "position", "attempts", "sequence", "oldest_sequence", "started", "progress", "result", "error", "request", "preview_image")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Job.State]
        STATE_QUEUED: _ClassVar[Job.State]
        STATE_RUNNING: _ClassVar[Job.State]
        STATE_SUCCEEDED: _ClassVar[Job.State]
        STATE_FAILED: _ClassVar[Job.State]
        STATE_CANCELLED: _ClassVar[Job.State]
    STATE_UNSPECIFIED: Job.State
    STATE_QUEUED: Job.State
    STATE_RUNNING: Job.State
    STATE_SUCCEEDED: Job.State
    STATE_FAILED: Job.State
    STATE_CANCELLED: Job.State
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    OLDEST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_IMAGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: Job.State
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    position: int
    attempts: int
    sequence: int
    oldest_sequence: int
    started: Started
    progress: Progress
    result: Result
    error: _status_pb2.Status
    request: StylizeRequest
    preview_image: str
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[Job.State, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., position: _Optional[int] = ..., attempts: _Optional[int] = ..., sequence: _Optional[int] = ..., oldest_sequence: _Optional[int] = ..., started: _Optional[_Union[Started, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., result: _Optional[_Union[Result, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., request: _Optional[_Union[StylizeRequest, _Mapping]] = ..., preview_image: _Optional[str] = ...) -> None: ...

class JobEvent(_message.Message):
    __slots__ = ("sequence", "time", "accepted", "started", "progress", "result", "job", "interrupted", "failed", "cancelled", "begun")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    BEGUN_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    time: _timestamp_pb2.Timestamp
    accepted: Accepted
    started: Started
    progress: Progress
    result: Result
    job: Job
    interrupted: Interrupted
    failed: _status_pb2.Status
    cancelled: Cancelled
    begun: Begun
    def __init__(self, sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., accepted: _Optional[_Union[Accepted, _Mapping]] = ..., started: _Optional[_Union[Started, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., result: _Optional[_Union[Result, _Mapping]] = ..., job: _Optional[_Union[Job, _Mapping]] = ..., interrupted: _Optional[_Union[Interrupted, _Mapping]] = ..., failed: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., cancelled: _Optional[_Union[Cancelled, _Mapping]] = ..., begun: _Optional[_Union[Begun, _Mapping]] = ...) -> None: ...

class Begun(_message.Message):
    __slots__ = ("attempt",)
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    def __init__(self, attempt: _Optional[int] = ...) -> None: ...

class Interrupted(_message.Message):
    __slots__ = ("reason", "evaluations")
    REASON_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    reason: str
    evaluations: int
    def __init__(self, reason: _Optional[str] = ..., evaluations: _Optional[int] = ...) -> None: ...

class Cancelled(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "states")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    states: _containers.RepeatedScalarFieldContainer[Job.State]
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., states: _Optional[_Iterable[_Union[Job.State, str]]] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchJobsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class JobsChange(_message.Message):
    __slots__ = ("listening", "job", "deleted")
    LISTENING_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    listening: _empty_pb2.Empty
    job: Job
    deleted: str
    def __init__(self, listening: _Optional[_Union[_empty_pb2.Empty, _Mapping]] = ..., job: _Optional[_Union[Job, _Mapping]] = ..., deleted: _Optional[str] = ...) -> None: ...

class CancelJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteJobRequest(_message.Message):
    __slots__ = ("name", "allow_missing")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    name: str
    allow_missing: bool
    def __init__(self, name: _Optional[str] = ..., allow_missing: bool = ...) -> None: ...

class WatchJobRequest(_message.Message):
    __slots__ = ("name", "after_sequence")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    after_sequence: int
    def __init__(self, name: _Optional[str] = ..., after_sequence: _Optional[int] = ...) -> None: ...

class ReadResultRequest(_message.Message):
    __slots__ = ("name", "offset")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    name: str
    offset: int
    def __init__(self, name: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ReadImageRequest(_message.Message):
    __slots__ = ("name", "offset")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    name: str
    offset: int
    def __init__(self, name: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class EstimateTransferRequest(_message.Message):
    __slots__ = ("transfer", "content", "styles", "style_parts", "start_picture", "keep", "regions", "region_colours", "temporal")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    STYLE_PARTS_FIELD_NUMBER: _ClassVar[int]
    START_PICTURE_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    REGION_COLOURS_FIELD_NUMBER: _ClassVar[int]
    TEMPORAL_FIELD_NUMBER: _ClassVar[int]
    transfer: StylizeRequest
    content: PictureSize
    styles: _containers.RepeatedCompositeFieldContainer[PictureSize]
    style_parts: _containers.RepeatedCompositeFieldContainer[StyleParts]
    start_picture: PictureSize
    keep: PictureSize
    regions: PictureSize
    region_colours: int
    temporal: _containers.RepeatedCompositeFieldContainer[PictureSize]
    def __init__(self, transfer: _Optional[_Union[StylizeRequest, _Mapping]] = ..., content: _Optional[_Union[PictureSize, _Mapping]] = ..., styles: _Optional[_Iterable[_Union[PictureSize, _Mapping]]] = ..., style_parts: _Optional[_Iterable[_Union[StyleParts, _Mapping]]] = ..., start_picture: _Optional[_Union[PictureSize, _Mapping]] = ..., keep: _Optional[_Union[PictureSize, _Mapping]] = ..., regions: _Optional[_Union[PictureSize, _Mapping]] = ..., region_colours: _Optional[int] = ..., temporal: _Optional[_Iterable[_Union[PictureSize, _Mapping]]] = ...) -> None: ...

class StyleParts(_message.Message):
    __slots__ = ("mask", "region", "regions")
    MASK_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    mask: PictureSize
    region: PictureSize
    regions: PictureSize
    def __init__(self, mask: _Optional[_Union[PictureSize, _Mapping]] = ..., region: _Optional[_Union[PictureSize, _Mapping]] = ..., regions: _Optional[_Union[PictureSize, _Mapping]] = ...) -> None: ...

class PictureSize(_message.Message):
    __slots__ = ("width", "height")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class UploadImageRequest(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class Image(_message.Message):
    __slots__ = ("name", "size", "expire_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    size: int
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., size: _Optional[int] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ServerInfo(_message.Message):
    __slots__ = ("version", "schema", "capabilities", "presets", "networks", "network", "limits", "workers", "ready", "waiting", "running")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    PRESETS_FIELD_NUMBER: _ClassVar[int]
    NETWORKS_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    version: str
    schema: str
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    presets: _containers.RepeatedScalarFieldContainer[str]
    networks: _containers.RepeatedScalarFieldContainer[str]
    network: Network
    limits: Limits
    workers: int
    ready: bool
    waiting: int
    running: int
    def __init__(self, version: _Optional[str] = ..., schema: _Optional[str] = ..., capabilities: _Optional[_Iterable[str]] = ..., presets: _Optional[_Iterable[str]] = ..., networks: _Optional[_Iterable[str]] = ..., network: _Optional[_Union[Network, _Mapping]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., workers: _Optional[int] = ..., ready: bool = ..., waiting: _Optional[int] = ..., running: _Optional[int] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("image_bytes", "image_pixels", "size", "styles", "queue", "caller_jobs", "caller_queue", "caller_running", "caller_watches", "caller_work", "caller_image_bytes", "kept_jobs", "kept")
    IMAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    IMAGE_PIXELS_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    CALLER_JOBS_FIELD_NUMBER: _ClassVar[int]
    CALLER_QUEUE_FIELD_NUMBER: _ClassVar[int]
    CALLER_RUNNING_FIELD_NUMBER: _ClassVar[int]
    CALLER_WATCHES_FIELD_NUMBER: _ClassVar[int]
    CALLER_WORK_FIELD_NUMBER: _ClassVar[int]
    CALLER_IMAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    KEPT_JOBS_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    image_bytes: int
    image_pixels: int
    size: int
    styles: int
    queue: int
    caller_jobs: int
    caller_queue: int
    caller_running: int
    caller_watches: int
    caller_work: float
    caller_image_bytes: int
    kept_jobs: int
    kept: _duration_pb2.Duration
    def __init__(self, image_bytes: _Optional[int] = ..., image_pixels: _Optional[int] = ..., size: _Optional[int] = ..., styles: _Optional[int] = ..., queue: _Optional[int] = ..., caller_jobs: _Optional[int] = ..., caller_queue: _Optional[int] = ..., caller_running: _Optional[int] = ..., caller_watches: _Optional[int] = ..., caller_work: _Optional[float] = ..., caller_image_bytes: _Optional[int] = ..., kept_jobs: _Optional[int] = ..., kept: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
