"""What this process computes on, and why it may be unable to use a GPU. TensorFlow's own list decides, not files."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tfstyle.processor import VECTOR_INSTRUCTIONS, instructions
from tfstyle.tensorflow_backend import tf

_DRIVER = Path("/proc/driver/nvidia/version")
HOW_TO_INSTALL = "install 'tfstyle[server-gpu]' in a new environment"


@dataclass(frozen=True)
class Device:
    """A device. `name` is that of the GPU, or "CPU" and those instructions by which TensorFlow chooses its kernels.

    `tf32` says that products of float32 numbers are rounded to TF32 (10 bits) first; `repeatable`, that the same
    computation gives the same bits again, which a processor's always does.
    """

    name: str
    is_gpu: bool = False
    tf32: bool = False
    repeatable: bool = True

    def __str__(self) -> str:
        notes = [*(["TF32"] if self.tf32 else ()), *([] if self.repeatable else ["not repeatable"])]
        return ", ".join([self.name, *notes])


def current_device() -> Device:
    """What this process computes on, as far as rounding depends on it."""
    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        return Device(" ".join(["CPU", *sorted(VECTOR_INSTRUCTIONS & instructions())]))
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    return Device(
        str(name),
        is_gpu=True,
        tf32=tf.config.experimental.tensor_float_32_execution_enabled(),
        repeatable=_is_repeatable(),
    )


def _is_repeatable() -> bool:
    """Whether TensorFlow was told to compute the same bits again, by the environment or by a call.

    It has no public function for that; where this one has changed, nothing is promised.
    """
    try:
        from tensorflow.python.framework import config

        return bool(config.is_op_determinism_enabled())
    except (ImportError, AttributeError):
        return False


def why_no_gpu() -> str | None:
    """Why TensorFlow does not list the GPU that it is to use, and the fix, in one line. None: it lists one."""
    if tf.config.get_visible_devices("GPU"):
        return None
    if not tf.test.is_built_with_gpu_support():
        return f"TensorFlow is installed for processors only; {HOW_TO_INSTALL}"
    if sys.platform == "linux" and not _DRIVER.exists():
        return "NVIDIA's driver is not loaded; nvidia-smi tells more"
    if not _has_cuda_packages():
        return f"CUDA's libraries are not installed; {HOW_TO_INSTALL}"
    return "TensorFlow lists no such GPU; nvidia-smi -L lists those that the driver has"


def why_gpu_fails() -> str | None:
    """Why the GPU that TensorFlow lists cannot multiply two small matrices, in one line. None: it can."""
    try:
        with tf.device("GPU:0"):
            matrix = tf.ones([64, 64])
            total = tf.reduce_sum(matrix @ matrix)
            found, where = float(total), total.device.rpartition("device:")[2]
    except (tf.errors.OpError, RuntimeError) as error:
        return f"it fails at its first product: {' '.join(str(error).split())[:200]}"
    if not where.startswith("GPU"):
        return f"TensorFlow computes on {where} in its place"
    return None if found == 64**3 else f"it computes that 64 x 64 x 64 is {found:.0f}"


def _has_cuda_packages() -> bool:
    """Whether the packages of TensorFlow's extra `and-cuda` are here. A system may have the libraries without them."""
    try:
        return find_spec("nvidia.cuda_runtime") is not None
    except ModuleNotFoundError:
        return False
