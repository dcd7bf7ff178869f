"""The precision in which the networks' features are computed: float32, or bfloat16 where that is fast.

Statistics, losses, the picture and the optimizer are float32 in any case.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from tfstyle.processor import BFLOAT16 as BFLOAT16_INSTRUCTIONS
from tfstyle.processor import instructions

AUTO, FLOAT32, BFLOAT16 = "auto", "float32", "bfloat16"
PRECISIONS = (AUTO, FLOAT32, BFLOAT16)
LEAST_CAPABILITY = (8, 0)
"""Compute capability of the first NVIDIA GPUs that multiply bfloat16."""


@dataclass(frozen=True)
class Precision:
    """The `name` of a precision, "float32" or "bfloat16"; `note` explains in one line why it is not the faster one."""

    name: str
    note: str = ""


def choose_precision(name: str = AUTO) -> Precision:
    """Resolve `name`, one of `PRECISIONS`, to the precision for this process' GPU, or else for its processor."""
    from tfstyle.tensorflow_backend import tf

    gpus = tf.config.get_visible_devices("GPU")
    if gpus:
        capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        fast, lacks = capability >= LEAST_CAPABILITY, "this GPU is not known to multiply bfloat16"
    elif BFLOAT16_INSTRUCTIONS & instructions():
        fast = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1").lower() not in ("0", "false")
        lacks = "TF_ENABLE_ONEDNN_OPTS excludes oneDNN, which multiplies bfloat16"
    else:
        fast, lacks = False, "this processor has neither AMX nor AVX512_BF16, which multiply bfloat16"
    if name == AUTO:
        return Precision(BFLOAT16) if fast else Precision(FLOAT32, f"precision float32: {lacks}")
    if name == BFLOAT16 and not fast:
        return Precision(BFLOAT16, f"precision bfloat16 is slower than float32 here: {lacks}")
    return Precision(name)
