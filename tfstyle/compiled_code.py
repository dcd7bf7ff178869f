"""A cache of compiled code on disk: a picture size that was compiled before starts sooner (docs/performance.md).

TensorFlow writes and reads the files itself once `TF_XLA_FLAGS` names a folder, and replaces them atomically. It does
not check them: a damaged file makes the computation fail, and code for another processor may crash the process. Each
TensorFlow release and processor therefore has its own folder, and each file has a digest stored next to it. Files
without a digest, or with a wrong one, are deleted before TensorFlow reads the folder.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import shutil
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from platformdirs import user_cache_path

from tfstyle.atomic import write_atomically

DIGEST = ".sha256"
MOST_BYTES = 512 * 2**20
"""Limit of the cache, at 1 to 3 MB per picture size and network; the oldest files are deleted first."""
LEAST_FREE = 2**30
"""Bytes that must be free on the disk: TensorFlow fails a computation whose code it cannot write."""
DRAFT_SECONDS = 600.0
"""Temporary files older than this are deleted; younger ones may still be being written by another process."""


def user_folder() -> Path:
    """The default folder of the cache: tfstyle/compiled in the user's cache folder."""
    return user_cache_path("tfstyle") / "compiled"


def keep_compiled_code(folder: Path) -> Path:
    """Make TensorFlow cache the code that it compiles for the CPU in `folder`. Call it before importing TensorFlow.

    Files that cannot be trusted are deleted first. Returns the subfolder for this TensorFlow and processor, the
    argument of `vouch`. Raises OSError if it cannot be created or written, or the disk is nearly full.
    """
    own = folder / _fingerprint()
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(own, os.W_OK):
        raise PermissionError(errno.EACCES, "no permission to write", str(own))
    if shutil.disk_usage(own).free < LEAST_FREE:
        raise OSError(errno.ENOSPC, f"less than {LEAST_FREE // 2**20} MiB are free", str(own))
    _sweep(own)
    flags = f"--tf_xla_persistent_cache_directory={own} --tf_xla_persistent_cache_device_types=CPU"
    os.environ["TF_XLA_FLAGS"] = f"{os.environ.get('TF_XLA_FLAGS', '')} {flags}".strip()
    return own


def vouch(own: Path) -> None:
    """Record the digests of the files that TensorFlow has written to the folder `own`; the next sweep keeps them."""
    for file in own.glob("*.pb"):
        note = file.with_name(file.name + DIGEST)
        if note.exists():
            continue
        try:
            digest = _digest(file)
            with write_atomically(note, fsync=False) as draft:
                draft.write(digest.encode("ascii"))
        except OSError:
            continue  # deleted by another process, or the disk is full: the next sweep deletes the file


def _sweep(own: Path) -> None:
    """Delete files without a valid digest, and the oldest files beyond `MOST_BYTES`."""
    files = sorted(own.glob("*.pb"), key=_age)
    kept = 0
    for file in files:
        size = file.stat().st_size
        if kept + size <= MOST_BYTES and _is_vouched_for(file):
            kept += size
        else:
            file.unlink(missing_ok=True)
    for file in own.iterdir():
        if file.suffix == ".pb":
            continue
        is_note = file.suffix == DIGEST
        if not file.with_name(file.name.removesuffix(DIGEST)).exists() if is_note else _age(file) > DRAFT_SECONDS:
            file.unlink(missing_ok=True)


def _age(file: Path) -> float:
    return time.time() - file.stat().st_mtime


def _is_vouched_for(file: Path) -> bool:
    try:
        return file.with_name(file.name + DIGEST).read_text("ascii") == _digest(file)
    except (OSError, UnicodeDecodeError):
        return False


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _fingerprint() -> str:
    """A name for this TensorFlow release and processor, from the processor's feature flags if they are available."""
    for package in ("tensorflow-cpu", "tensorflow"):
        try:
            release = version(package)
            break
        except PackageNotFoundError:
            release = "none"
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
        wanted = ("model name", "flags", "Features")
        processor = "\n".join(sorted({line for line in lines if line.startswith(wanted)}))
    except OSError:
        processor = platform.processor()
    text = "\n".join((release, platform.machine(), processor))
    return f"{release}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
