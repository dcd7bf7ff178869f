"""tfstyle: repaint a photo in the style of a painting (Gatys et al. 2016), as a library.

Importing this package is cheap: TensorFlow is loaded when the engine's names are first used.

    import tfstyle
    result = tfstyle.stylize(photo_bytes, painting_bytes, size=512)
    open("out.png", "wb").write(result.png)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tfstyle.errors import InvalidInputError, OutOfMemoryError, TfstyleError, Violation, WeightsError
from tfstyle.inputs import Inputs, Style, Temporal, content_and_style
from tfstyle.options import TransferOptions
from tfstyle.presets import PRESETS, resolve_options

if TYPE_CHECKING:
    from tfstyle.checkpoint import Checkpoint, CheckpointError, read_checkpoint
    from tfstyle.engine import Engine, Stylized, stylize
    from tfstyle.images import Picture, decode, encode_png
    from tfstyle.iterate import Delivered, Iterate
    from tfstyle.memory import Estimate
    from tfstyle.provenance import Provenance
    from tfstyle.provenance_json import read_provenance
    from tfstyle.textures import texture
    from tfstyle.transfer import Transfer

__version__ = "0.1.0"

__all__ = [
    "PRESETS",
    "Checkpoint",
    "CheckpointError",
    "Delivered",
    "Engine",
    "Estimate",
    "Inputs",
    "InvalidInputError",
    "Iterate",
    "OutOfMemoryError",
    "Picture",
    "Provenance",
    "Style",
    "Stylized",
    "Temporal",
    "TfstyleError",
    "Transfer",
    "TransferOptions",
    "Violation",
    "WeightsError",
    "content_and_style",
    "decode",
    "encode_png",
    "read_checkpoint",
    "read_provenance",
    "resolve_options",
    "stylize",
    "texture",
]

_LAZY = {
    **dict.fromkeys(("Checkpoint", "CheckpointError", "read_checkpoint"), "tfstyle.checkpoint"),
    **dict.fromkeys(("Picture", "decode", "encode_png"), "tfstyle.images"),
    **dict.fromkeys(("Engine", "Stylized", "stylize"), "tfstyle.engine"),
    **dict.fromkeys(("Delivered", "Iterate"), "tfstyle.iterate"),
    "Transfer": "tfstyle.transfer",
    "Estimate": "tfstyle.memory",
    "texture": "tfstyle.textures",
    "Provenance": "tfstyle.provenance",
    "read_provenance": "tfstyle.provenance_json",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
