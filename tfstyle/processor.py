"""What the processor can do, as far as that decides how TensorFlow computes best on it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

AVX512 = "avx512f"
BFLOAT16 = frozenset({"amx_bf16", "avx512_bf16"})
"""Instructions that multiply bfloat16: Intel's AMX, and AVX512_BF16 of Intel and AMD."""
VECTOR_INSTRUCTIONS = BFLOAT16 | {"avx2", AVX512}
"""Extensions of x86 by which TensorFlow chooses its kernels, which round differently."""
_CPUINFO = Path("/proc/cpuinfo")


@cache
def instructions() -> frozenset[str]:
    """The names by which Linux lists the instructions of an x86 processor. Empty on others, and on other systems."""
    try:
        text = _CPUINFO.read_text("utf-8", "replace")
    except OSError:
        return frozenset()
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return frozenset(line.partition(":")[2].split())
