"""What of the server's environment its workers get to see."""

from __future__ import annotations

import re
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
    *("TF_", "KERAS_", "XLA_", "CUDA_", "CUDNN_", "NVIDIA_"),
    *("OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "ONEDNN_", "DNNL_"),
)
"""Beginnings of further ones: those of the system, the interpreter and TensorFlow."""
SECRET = re.compile("TOKEN|SECRET|PASSW|CREDENTIAL|_KEY|^TF_VAR_")
"""What the names of secrets have in them. Terraform's begin with TF_ as TensorFlow's do."""


def worker_environment(
    environment: Mapping[str, str], temporary: Path, credentials: tuple[str, ...] = ()
) -> dict[str, str]:
    """The variables that a worker starts with: none that this list does not know, because others may hold secrets.

    Those whose names begin with one of `credentials` give it access to the pictures. Its temporary files go to the
    folder `temporary`.
    """
    known = {
        name: value for name, value in environment.items() if _is_known(name.upper()) or name.startswith(credentials)
    }
    return known | {"TMPDIR": str(temporary)}


def _is_known(name: str) -> bool:
    return name in NAMES or (name.startswith(FAMILIES) and not SECRET.search(name))
