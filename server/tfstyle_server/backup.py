"""Copies a data folder while a server uses it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from tfstyle_server.blobs import BlobDamagedError, BlobFolder, blob_files
from tfstyle_server.check import PIECE_BYTES, Report, reading
from tfstyle_server.data import blobs_of, database_of
from tfstyle_server.store import WANTED_BLOBS


def back_up(folder: Path, target: Path) -> Report:
    """Copy the jobs and pictures of the data folder `folder` to `target`, which must not exist yet, or be empty.

    `target` appears when the copy is complete; it has every picture that its database refers to, except those that are
    damaged in `folder`, which the report names. Raises `DataUnreadableError`, OSError.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(17, "it exists already")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", suffix=".draft", dir=target.parent))  # mode 0700
    try:
        report = _copied(folder, draft)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return report


def _copied(folder: Path, draft: Path) -> Report:
    source, copies = BlobFolder(blobs_of(folder)), BlobFolder(blobs_of(draft))
    lost: dict[str, str] = {}
    while True:
        wanted, jobs = _copy_database(folder, draft)
        missing = [digest for digest in sorted(wanted) if not copies.exists(digest)]
        if all(digest in lost for digest in missing):
            break
        # A blob that is not there any more belonged to a job that was deleted meanwhile, which the next copy of the
        # database does not have; one that is missing there too is lost.
        for digest in missing:
            try:
                copies.put(source.pieces(digest, 0, PIECE_BYTES), digest)
            except BlobDamagedError as error:
                lost[digest] = str(error)
    files = list(blob_files(blobs_of(draft)))
    for file in files:
        if file.name not in wanted:
            file.unlink()
    kept = [file for file in files if file.name in wanted]
    findings = tuple(lost[digest] for digest in missing)
    return Report(findings, jobs, len(kept), sum(file.stat().st_size for file in kept))


def _copy_database(folder: Path, draft: Path) -> tuple[frozenset[str], int]:
    """Copy the database as it is now. Returns the digests of its blobs, and the number of its jobs."""
    path = database_of(draft)
    path.unlink(missing_ok=True)
    with reading(folder) as db, closing(sqlite3.connect(path)) as copy:
        try:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # so that the copy is one file
        except sqlite3.OperationalError as error:
            raise OSError(str(error)) from None
        wanted = frozenset(digest for (digest,) in copy.execute(WANTED_BLOBS))
        (jobs,) = copy.execute("SELECT COUNT(*) FROM jobs").fetchone()
    path.chmod(0o600)
    return wanted, jobs
