"""Jobs and their events in SQLite: what is written here survives every kill.

A job's row holds the `Job` message that its events add up to, and columns for what is asked for. All methods
block and belong to one thread. A worker's reports carry its attempt: once another worker has begun the
job, or it has ended, they change nothing, whatever any clock says.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.states import ENDED, State, apply, kind_of

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of creation
    name TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    request_id TEXT,
    fingerprint TEXT NOT NULL,                 -- of the request, for idempotency
    attached INTEGER NOT NULL,                 -- ends with its call
    state INTEGER NOT NULL,
    content TEXT NOT NULL,                     -- blobs
    style TEXT NOT NULL,
    result TEXT,
    bytes INTEGER NOT NULL,                    -- of all its blobs
    ended REAL,                                -- in seconds as in passed
    transfer BLOB NOT NULL,                    -- StylizeRequest without pictures
    job BLOB NOT NULL                          -- Job
);
CREATE UNIQUE INDEX IF NOT EXISTS by_request ON jobs (owner, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_owner ON jobs (owner, number);
CREATE INDEX IF NOT EXISTS by_state ON jobs (state, ended);
CREATE TABLE IF NOT EXISTS events (
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    event BLOB NOT NULL,                       -- JobEvent
    PRIMARY KEY (job, sequence)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS images (
    owner TEXT NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    since REAL NOT NULL,                       -- in seconds as in passed
    PRIMARY KEY (owner, digest)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passed (            -- one row: seconds that servers have seen pass, by no clock
    seconds REAL NOT NULL
);
INSERT INTO passed SELECT 0 WHERE NOT EXISTS (SELECT * FROM passed);
"""
VERSION = 2
FROM_VERSION_1 = """
UPDATE jobs SET ended = 0 WHERE ended IS NOT NULL;
ALTER TABLE images RENAME COLUMN expires TO since;
UPDATE images SET since = 0;
"""
IMAGE_SECONDS = 86400.0
"""How long an uploaded image is kept that no job uses."""


class UnknownJobError(Exception):
    """There is no such job, or it is somebody else's."""


class RequestIdTakenError(Exception):
    """The caller has used the request id for another transfer."""


class NotEndedError(Exception):
    """The job has not ended."""


@dataclass(frozen=True)
class NewJob:
    """What a job is made from. `content` and `style` are blobs, `bytes` their sizes together."""

    name: str
    owner: str
    request_id: str | None
    fingerprint: str
    attached: bool
    content: str
    style: str
    bytes: int
    transfer: pb.StylizeRequest


@dataclass(frozen=True)
class Work:
    """What a worker needs to know of a job: its blobs and its `transfer`, and its `number` in the order of creation."""

    number: int
    content: str
    style: str
    transfer: pb.StylizeRequest


@dataclass(frozen=True)
class Unfinished:
    """A job that has not ended."""

    name: str
    owner: str
    state: State
    attached: bool


@dataclass(frozen=True)
class Entry:
    """An event to be recorded. `attempt` is that of the worker that reports it; None for the front's own."""

    name: str
    event: pb.JobEvent
    attempt: int | None = None


@dataclass(frozen=True)
class Stored:
    """An event as it is kept: `data` is the serialised JobEvent, `last` whether the job has ended with it."""

    sequence: int
    data: bytes
    last: bool


@dataclass(frozen=True)
class Retention:
    """Ended jobs are kept for `seconds` in which a server runs, of each owner at most `jobs` and `bytes` of pictures;
    `events` of each job.
    """

    seconds: float = 7 * 86400.0
    jobs: int = 1000
    bytes: int = 10 * 2**30
    events: int = 2000


class JobStore:
    """The database at `path`. Raises sqlite3.Error where the disk is full or the file damaged."""

    def __init__(self, path: Path, retention: Retention) -> None:
        self._retention = retention
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing either way; FULL is for a machine that loses power.
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, 1, VERSION):
            raise sqlite3.DatabaseError(f"{path} was written by another release (version {version})")
        changes = FROM_VERSION_1 if version == 1 else ""
        self._db.executescript(f"BEGIN; {changes} {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            if self._db.in_transaction:  # a full disk has rolled it back already
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def create(self, new: NewJob, accepted: pb.JobEvent) -> tuple[str, int, Stored | None]:
        """Create a job with its first event: its name, its number, and the event as stored.

        The same request id gives the same job, and then None for the event. Raises `RequestIdTakenError`.
        """
        with self._transaction() as db:
            if new.request_id is not None:
                query = "SELECT fingerprint, name, number FROM jobs WHERE owner = ? AND request_id = ?"
                row = db.execute(query, (new.owner, new.request_id)).fetchone()
                if row is not None:
                    if row[0] != new.fingerprint:
                        raise RequestIdTakenError
                    return row[1], row[2], None
            job = pb.Job(name=new.name, state=State.QUEUED.wire, oldest_sequence=1)
            job.create_time.GetCurrentTime()
            inserted = db.execute(
                "INSERT INTO jobs (name, owner, request_id, fingerprint, attached, state, content, style, bytes,"
                " transfer, job) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(new.name, new.owner, new.request_id, new.fingerprint, new.attached, State.QUEUED),
                    *(new.content, new.style, new.bytes),
                    *(new.transfer.SerializeToString(), job.SerializeToString()),
                ),
            )
            return new.name, int(inserted.lastrowid or 0), self._append(db, Entry(new.name, accepted))

    def append(self, entries: Sequence[Entry]) -> list[Stored | None]:
        """Record events in one transaction; None for each that its job's state, or another attempt, forbids."""
        with self._transaction() as db:
            return [self._append(db, entry) for entry in entries]

    def _append(self, db: sqlite3.Connection, entry: Entry) -> Stored | None:
        row = db.execute("SELECT number, job FROM jobs WHERE name = ?", (entry.name,)).fetchone()
        if row is None:
            return None
        number, job = row[0], pb.Job.FromString(row[1])
        if entry.attempt is not None and entry.attempt != job.attempts:
            return None
        event = entry.event
        event.sequence = job.sequence + 1
        event.time.GetCurrentTime()
        if kind_of(event) == "begun":
            event.begun.attempt = job.attempts + 1
        if not apply(job, event):
            return None
        data = event.SerializeToString()
        db.execute("INSERT INTO events VALUES (?, ?, ?)", (number, event.sequence, data))
        kept = self._retention.events
        if event.sequence - job.oldest_sequence >= kept + kept // 10:
            job.oldest_sequence = event.sequence - kept + 1
            db.execute("DELETE FROM events WHERE job = ? AND sequence < ?", (number, job.oldest_sequence))
        last = State(job.state) in ENDED
        db.execute(
            "UPDATE jobs SET state = ?, job = ?, ended = ?, result = ?, bytes = bytes + ? WHERE number = ?",
            (
                *(job.state, job.SerializeToString(), self._passed(db) if last else None),
                *(job.result.digest or None, event.result.size, number),
            ),
        )
        return Stored(event.sequence, data, last)

    def _passed(self, db: sqlite3.Connection) -> float:
        return float(db.execute("SELECT seconds FROM passed").fetchone()[0])

    def get(self, owner: str, name: str) -> pb.Job:
        """The job as it stands. Raises `UnknownJobError`."""
        row = self._db.execute("SELECT job FROM jobs WHERE owner = ? AND name = ?", (owner, name)).fetchone()
        if row is None:
            raise UnknownJobError(name)
        return pb.Job.FromString(row[0])

    def page(self, owner: str, before: int | None, size: int) -> list[tuple[int, pb.Job]]:
        """At most `size` jobs, with their numbers, the newest first, of those created before number `before`."""
        rows = self._db.execute(
            "SELECT number, job FROM jobs WHERE owner = ? AND number < ? ORDER BY number DESC LIMIT ?",
            (owner, 2**62 if before is None else before, size),
        )
        return [(number, pb.Job.FromString(job)) for number, job in rows]

    def work(self, name: str) -> Work:
        """What a worker needs. Raises `UnknownJobError`."""
        query = "SELECT number, content, style, transfer FROM jobs WHERE name = ?"
        row = self._db.execute(query, (name,)).fetchone()
        if row is None:
            raise UnknownJobError(name)
        return Work(row[0], row[1], row[2], pb.StylizeRequest.FromString(row[3]))

    def unfinished(self) -> list[Unfinished]:
        """Each job that has not ended, the oldest first."""
        query = "SELECT name, owner, state, attached FROM jobs WHERE state IN (?, ?) ORDER BY number"
        rows = self._db.execute(query, (State.QUEUED, State.RUNNING)).fetchall()
        return [Unfinished(name, owner, State(state), bool(attached)) for name, owner, state, attached in rows]

    def events(self, name: str, after: int, most: int) -> list[Stored]:
        """At most `most` events of a job after the number `after`, in order."""
        rows = self._db.execute(
            "SELECT sequence, event FROM events JOIN jobs ON jobs.number = events.job"
            " WHERE name = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            (name, after, most),
        ).fetchall()
        kinds = ("result", "failed", "cancelled")
        return [Stored(number, data, kind_of(pb.JobEvent.FromString(data)) in kinds) for number, data in rows]

    def delete(self, owner: str, name: str) -> None:
        """Forget a job that has ended. Raises `UnknownJobError`, `NotEndedError`."""
        with self._transaction() as db:
            row = db.execute("SELECT state FROM jobs WHERE owner = ? AND name = ?", (owner, name)).fetchone()
            if row is None:
                raise UnknownJobError(name)
            if row[0] not in ENDED:
                raise NotEndedError(name)
            db.execute("DELETE FROM jobs WHERE name = ?", (name,))

    def forget_calls(self) -> None:
        """Forget what has ended of calls whose server ended before it could forget them."""
        with self._transaction() as db:
            db.execute("DELETE FROM jobs WHERE attached AND ended IS NOT NULL")

    def image_bytes(self, owner: str) -> int:
        """Bytes of all blobs that `owner` has uploaded and that are kept."""
        row = self._db.execute("SELECT COALESCE(SUM(size), 0) FROM images WHERE owner = ?", (owner,)).fetchone()
        return int(row[0])

    def by_request(self, owner: str, request_id: str) -> tuple[str, str] | None:
        """(name, fingerprint) of the job that `owner` has made under a request id."""
        query = "SELECT name, fingerprint FROM jobs WHERE owner = ? AND request_id = ?"
        row = self._db.execute(query, (owner, request_id)).fetchone()
        return None if row is None else (str(row[0]), str(row[1]))

    def add_image(self, owner: str, digest: str, size: int) -> None:
        """Note that `owner` has uploaded a blob, to be kept for `IMAGE_SECONDS`."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?)", (owner, digest, size, self._passed(db)))

    def image_size(self, owner: str, digest: str) -> int | None:
        """Bytes of a blob that `owner` has uploaded; None where there is none."""
        query = "SELECT size FROM images WHERE owner = ? AND digest = ?"
        row = self._db.execute(query, (owner, digest)).fetchone()
        return None if row is None else int(row[0])

    def retain(self, seconds: float) -> list[str]:
        """So many `seconds` have passed: forget what the retention does not keep, images, and ended jobs, whose names
        are returned.
        """
        limits = self._retention
        gone = []
        with self._transaction() as db:
            db.execute("UPDATE passed SET seconds = seconds + ?", (seconds,))
            now = self._passed(db)
            db.execute("DELETE FROM images WHERE since < ?", (now - IMAGE_SECONDS,))
            # Of those that ended between two calls of this, the number decides.
            query = (
                "SELECT name, owner, ended, bytes FROM jobs WHERE ended IS NOT NULL ORDER BY ended DESC, number DESC"
            )
            kept: Counter[str] = Counter()
            total: Counter[str] = Counter()
            for name, owner, ended, size in db.execute(query).fetchall():
                kept[owner] += 1
                total[owner] += size
                if kept[owner] > limits.jobs or total[owner] > limits.bytes or now - ended > limits.seconds:
                    gone.append(name)
            db.executemany("DELETE FROM jobs WHERE name = ?", [(name,) for name in gone])
        return gone

    def wanted_blobs(self) -> frozenset[str]:
        """Every blob that a job or an image refers to."""
        rows: Iterable[tuple[str | None]] = self._db.execute(
            "SELECT content FROM jobs UNION SELECT style FROM jobs UNION SELECT result FROM jobs"
            " UNION SELECT digest FROM images"
        )
        return frozenset(digest for (digest,) in rows if digest is not None)
