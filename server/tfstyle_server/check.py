"""Checks a data folder without changing it, also while a server uses it."""

from __future__ import annotations

import hashlib
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tfstyle_server.blobs import blob_files, is_digest
from tfstyle_server.data import blobs_of, database_of
from tfstyle_server.quarantine import DamagedError, check_agrees, lenient_text, parsed_event, parsed_job, parsed_plan
from tfstyle_server.schema import VERSION
from tfstyle_server.states import ENDED, State
from tfstyle_server.store import WANTED_BLOBS


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
    for file in blob_files(blobs_of(folder)):
        try:
            if not stat.S_ISREG(file.lstat().st_mode):
                findings.append(f"blobs/{file.parent.name}/{file.name}: is no regular file")
                continue
            size += file.stat().st_size
            digest = digest_of(file)
        except FileNotFoundError:  # a server has deleted it meanwhile
            continue
        except OSError as error:
            findings.append(f"picture {file.name}: cannot be read: {error.strerror or error}")
        else:
            if digest != file.name:
                findings.append(f"picture {file.name}: its bytes do not match its name")
        pictures += 1
        present.add(file.name)
    findings += [f"picture {digest}: is missing" for digest in sorted(_missing(folder, present))]
    return Report(tuple(findings), jobs, pictures, size)


def digest_of(file: Path) -> str:
    """The SHA-256 of a file in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _missing(folder: Path, present: set[str]) -> set[str]:
    """The blobs that are wanted and not there, when a server may have written and deleted some meanwhile."""
    with reading(folder) as db:
        wanted = {digest for (digest,) in db.execute(WANTED_BLOBS)} - present
    return {
        str(digest)[:100]
        for digest in wanted
        if not (is_digest(digest) and (blobs_of(folder) / digest[:2] / digest).is_file())
    }


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
