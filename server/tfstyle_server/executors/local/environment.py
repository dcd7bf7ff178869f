"""What of the server's environment its workers get to see."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

NAMES = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "VIRTUAL_ENV", "GLIBC_TUNABLES"),
    *("TFSTYLE_WEIGHTS", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
}
"""Variables that a worker needs, in upper case. Proxies and certificates are for the download of VGG19's weights."""
FAMILIES = (
    *("LC_", "LD_", "DYLD_", "XDG_", "PYTHON", "MALLOC_"),
    *("TF_", "KERAS_", "XLA_", "CUDA_", "NVIDIA_", "CUDNN_", "OMP_", "KMP_", "GOMP_", "MKL_", "ONEDNN_", "DNNL_"),
)
"""Beginnings of further ones: those of the system, the interpreter and TensorFlow."""


def worker_environment(environment: Mapping[str, str], temporary: Path) -> dict[str, str]:
    """The variables that a worker starts with: none that this list does not know, because others may hold secrets.

    Its temporary files go to the folder `temporary`.
    """
    known = {
        name: value for name, value in environment.items() if name.upper() in NAMES or name.upper().startswith(FAMILIES)
    }
    return known | {"TMPDIR": str(temporary)}
