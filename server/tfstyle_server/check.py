"""Checks a data folder without changing it, also while a server uses it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tfstyle_server.blobs import BlobDamagedError, BlobMissingError, Blobs, StoreUnavailableError, is_digest
from tfstyle_server.data import database_of
from tfstyle_server.elsewhere import BLOBS, location_of
from tfstyle_server.locations import LocationError, below, open_blobs
from tfstyle_server.quarantine import DamagedError, check_agrees, lenient_text, parsed_event, parsed_job, parsed_plan
from tfstyle_server.schema import VERSION
from tfstyle_server.states import ENDED, State
from tfstyle_server.store import WANTED_BLOBS

PIECE_BYTES = 2**20


class DataUnreadableError(Exception):
    """There is no data folder, or its database cannot be opened; `str()` of it is one line."""


@dataclass(frozen=True)
class Report:
    """What was found: one line for each damage, and the size of what was read."""

    findings: tuple[str, ...]
    jobs: int
    pictures: int
    bytes: int

    @property
    def verdict(self) -> str:
        """The findings in a few words."""
        return f"{len(self.findings)} damaged" if self.findings else "nothing is damaged"


COLUMNS = {
    "jobs": {
        **dict.fromkeys(("name", "owner", "fingerprint"), "('text')"),
        **dict.fromkeys(("plan", "job"), "('blob')"),
        **dict.fromkeys(("attached", "state", "bytes", "shorthand"), "('integer')"),
        "result": "('text', 'null')",
        "ended": "('real', 'null')",
    },
    "events": {"job": "('integer')", "sequence": "('integer')", "event": "('blob')"},
    "images": {"owner": "('text')", "digest": "('text')", "size": "('integer')", "since": "('real')"},
    "job_pictures": {"job": "('integer')", "digest": "('text')"},
}
"""{table: {column: the types of its values}}; SQLite itself enforces none."""


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database of a data folder, as it is now, for reading only. Raises `DataUnreadableError`."""
    path = database_of(folder)
    if not path.is_file():
        raise DataUnreadableError(f"{folder} has no {path.name}")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)) as db:
            db.text_factory = lenient_text
            db.execute("BEGIN")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                raise DataUnreadableError(f"{path} was written by another release of tfstyle (version {version})")
            yield db
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise DataUnreadableError(f"{path} cannot be read: {error}") from None


def check(folder: Path) -> Report:
    """Check every row of the database, and every blob by its digest. Raises `DataUnreadableError`."""
    with reading(folder) as db:
        findings = list(_damages(db))
        (jobs,) = db.execute("SELECT COUNT(*) FROM jobs").fetchone()
    pictures, size, present = 0, 0, set()
    try:
        blobs = stored_blobs(folder)
        for name in blobs.names():
            try:
                size += sum(map(len, blobs.pieces(name, 0, PIECE_BYTES)))
            except BlobMissingError:  # a server has deleted it meanwhile
                continue
            except BlobDamagedError as error:
                findings.append(f"picture {name}: {error.why}")
            except StoreUnavailableError:
                raise
            except OSError as error:
                findings.append(f"picture {name}: cannot be read: {error.strerror or error}")
            pictures += 1
            present.add(name)
        findings += [f"picture {digest}: is missing" for digest in sorted(_missing(folder, blobs, present))]
    except StoreUnavailableError as error:
        raise DataUnreadableError(f"the pictures of {folder} cannot be read: {error.strerror}") from None
    return Report(tuple(findings), jobs, pictures, size)


def stored_blobs(folder: Path) -> Blobs:
    """The blobs of a data folder, wherever they are. Raises `DataUnreadableError`, OSError."""
    try:
        return open_blobs(below(location_of(folder), BLOBS))
    except LocationError as error:
        raise DataUnreadableError(str(error)) from None


def _missing(folder: Path, blobs: Blobs, present: set[str]) -> set[str]:
    """The blobs that are wanted and not there, when a server may have written and deleted some meanwhile."""
    with reading(folder) as db:
        wanted = {digest for (digest,) in db.execute(WANTED_BLOBS)} - present
    return {str(digest)[:100] for digest in wanted if not (is_digest(digest) and blobs.size(digest) is not None)}


def _damages(db: sqlite3.Connection) -> Iterator[str]:
    """The damages of the database, one line for each."""
    for (line,) in db.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"database: {line}"
    for table in sorted({table for table, *_ in db.execute("PRAGMA foreign_key_check")}):
        yield f"database: {table} has a row that belongs to no job"
    for name, what in db.execute("SELECT name, what FROM damaged JOIN jobs ON jobs.number = damaged.job"):
        yield f"{name}: a server found its {what} damaged, and has put it aside"
    if db.execute("SELECT COUNT(*) FROM passed WHERE typeof(seconds) = 'real'").fetchone() != (1,):
        yield "database: the server's uptime is lost"
    for table, kinds in COLUMNS.items():
        wrong = " OR ".join(f"typeof({column}) NOT IN {types}" for column, types in kinds.items())
        (count,) = db.execute(f"SELECT COUNT(*) FROM {table} WHERE {wrong}").fetchone()  # noqa: S608 - constants
        if count:
            yield f"database: {table} has values of a wrong type, in rows: {count}"
    rows = db.execute("SELECT number, name, state, result, plan, job FROM jobs ORDER BY number")
    for number, name, state, result, plan, data in rows:
        try:
            job = parsed_job(name, data)
            check_agrees(db, number, job, state)
            if (job.result.digest or None) != result:
                raise DamagedError("its record does not agree with its result")
            if State(state) not in ENDED:
                parsed_plan(plan)
            _check_events(db, number, job.oldest_sequence, job.sequence)
        except DamagedError as error:
            yield f"{name}: {error}"


def _check_events(db: sqlite3.Connection, number: int, oldest: int, last: int) -> None:
    """Raises `DamagedError`."""
    expected = oldest
    for sequence, data in db.execute("SELECT sequence, event FROM events WHERE job = ? ORDER BY sequence", (number,)):
        if sequence != expected:
            raise DamagedError(f"event {expected} is missing")
        parsed_event(sequence, data)
        expected += 1
    if expected != last + 1:
        raise DamagedError(f"event {expected} is missing")
