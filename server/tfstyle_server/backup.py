"""Copies a data folder while a server uses it."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tfstyle.file_lock import locked_at_once
from tfstyle_server.blobs import BlobDamagedError, BlobFolder, Blobs, StoreUnavailableError, blob_files
from tfstyle_server.check import PIECE_BYTES, Report, reading, stored_blobs
from tfstyle_server.data import blobs_of, database_of
from tfstyle_server.store import WANTED_BLOBS

PREFIX = ".tfstyle-backup-"
MARK = "incomplete-backup-of-tfstyle"
"""A file by which a draft is told from somebody else's folder."""


def back_up(folder: Path, target: Path) -> Report:
    """Copy the jobs and pictures of the data folder `folder` to `target`, which must not exist yet, or be empty.

    `target` is complete when its database is there: that comes last. It has every picture that its database refers to,
    except those that are damaged in `folder`, which the report names. They are copied to `target` also where `folder`
    has them in a store. Raises `DataUnreadableError`, OSError, of which `StoreUnavailableError` is about that store.
    """
    exists = target.exists()
    drafts = target if exists else target.parent
    drafts.mkdir(parents=True, exist_ok=True)
    _sweep(drafts)
    if exists and any(target.iterdir()):
        raise FileExistsError(17, "it exists already, and is not empty")
    with _new_draft(drafts) as draft:
        report = _copied(folder, draft)
        (draft / MARK).unlink()
        if exists:  # a mount point, perhaps, which nothing can replace
            for part in (blobs_of, database_of):
                part(draft).rename(part(target))
        else:
            draft.rename(target)
    return report


@contextmanager
def _new_draft(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, locked while this process lives, and deleted at the end unless it is renamed."""
    draft = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # mode 0700
    try:
        with locked_at_once(draft):
            (draft / MARK).touch()
            yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Delete the drafts in `parent` of backups that were killed."""
    for draft in parent.glob(f"{PREFIX}*"):
        with suppress(OSError), locked_at_once(draft):  # another backup holds it
            if (draft / MARK).is_file():
                shutil.rmtree(draft)


def _copied(folder: Path, draft: Path) -> Report:
    blobs_of(draft).mkdir()
    source, copies = stored_blobs(folder), BlobFolder(blobs_of(draft))
    lost: dict[str, str] = {}
    while True:
        wanted, jobs = _copy_database(folder, draft)
        missing = {}
        for digest in sorted(wanted, key=str):
            if copies.size(digest) is not None:
                continue
            try:
                copies.put(_pieces(source, digest), digest)
            except BlobDamagedError as error:
                missing[digest] = str(error)
        # A picture that is not there any more may have belonged to a job that was deleted meanwhile, which the next
        # copy of the database does not have. One that is missing there too is lost.
        if missing.keys() <= lost.keys():
            break
        lost |= missing
    files = list(blob_files(blobs_of(draft)))
    for file in files:
        if file.name not in wanted:
            file.unlink()
    kept = [file for file in files if file.name in wanted]
    findings = tuple(missing.values())
    return Report(findings, jobs, len(kept), sum(file.stat().st_size for file in kept))


def _pieces(source: Blobs, digest: str) -> Iterator[bytes]:
    """The picture in pieces. Raises `BlobDamagedError` also where the disk cannot read it."""
    try:
        yield from source.pieces(digest, 0, PIECE_BYTES)
    except StoreUnavailableError:
        raise
    except OSError as error:
        raise BlobDamagedError(f"blob {digest} cannot be read: {error.strerror or error}") from None


def _copy_database(folder: Path, draft: Path) -> tuple[frozenset[str], int]:
    """Copy the database as it is now. Returns the digests of its blobs, and the number of its jobs."""
    path = database_of(draft)
    path.unlink(missing_ok=True)
    with reading(folder) as db:
        try:
            with closing(sqlite3.connect(path)) as copy:
                db.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # so that the copy is one file
                wanted = frozenset(digest for (digest,) in copy.execute(WANTED_BLOBS))
                (jobs,) = copy.execute("SELECT COUNT(*) FROM jobs").fetchone()
        except sqlite3.Error as error:
            raise OSError(str(error)) from None
    path.chmod(0o600)
    return wanted, jobs
