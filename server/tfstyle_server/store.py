"""Jobs and their events in SQLite. What has been written survives a kill of any process.

A job's row holds the `Job` message that its events add up to, and columns for queries. Reports of a worker carry the
attempt that they belong to, and are ignored once another attempt has begun or the job has ended: a number in the
database decides whether a report is stale, not a clock. All methods block, and belong to one thread. Rows that cannot
be read are put aside where they are met.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_server.plan import IMAGE_PREFIX, plan_to_proto
from tfstyle_server.quarantine import (
    DamagedError,
    check_agrees,
    drop_damaged_event,
    fail_damaged_job,
    lenient_text,
    mend_job,
    parsed_event,
    parsed_job,
    parsed_plan,
)
from tfstyle_server.records import (
    Entry,
    NewJob,
    NotEndedError,
    RequestIdTakenError,
    Stored,
    Unfinished,
    UnknownJobError,
)
from tfstyle_server.retention import EndedJob, Retention, expired, surplus
from tfstyle_server.schema import UPTIME, known_version, prepare_schema
from tfstyle_server.states import ENDED, State, apply, kind_of

INCREMENTAL = 2
"""The auto_vacuum mode in which free pages are given back on demand."""
PAGES = 10_000
"""Free pages of 4 KiB that are given back at once."""
IMAGE_SECONDS = 86400.0
"""How long an uploaded image is kept that no job refers to, in seconds of server uptime."""


WANTED_BLOBS = (
    "SELECT digest FROM job_pictures UNION SELECT result FROM jobs WHERE result IS NOT NULL"
    " UNION SELECT digest FROM images"
)
"""The query for the digests of all blobs that a job or an image refers to."""


class JobStore:
    """The database at `path`. Its methods raise sqlite3.Error where the disk is full or the file is damaged."""

    def __init__(self, path: Path, retention: Retention) -> None:
        self._retention = retention
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.text_factory = lenient_text
        known_version(self._db)  # before anything is written to what belongs to another release
        self._db.execute("PRAGMA journal_mode = WAL")
        # NORMAL would survive killed processes as well; FULL also survives a power failure.
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        prepare_schema(self._db)
        self._db.execute("INSERT INTO passed SELECT 0 WHERE NOT EXISTS (SELECT * FROM passed)")
        if self._db.execute("PRAGMA auto_vacuum").fetchone() != (INCREMENTAL,):  # made by an earlier release
            self._db.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
            with suppress(sqlite3.OperationalError):  # it needs room for a copy; the next start tries again
                self._db.execute("VACUUM")

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
        """Create a job with its first event. Returns (name, number, the recorded event).

        Where the owner has used the request id for the same transfer before, that job is returned, and None for the
        event. Raises `RequestIdTakenError` where it was another transfer.
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
                "INSERT INTO jobs (name, owner, request_id, fingerprint, attached, state, bytes, plan, job, shorthand,"
                " trace) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(new.name, new.owner, new.request_id, new.fingerprint, new.attached, State.QUEUED, new.bytes),
                    *(
                        plan_to_proto(new.plan).SerializeToString(),
                        job.SerializeToString(),
                        new.plan.shorthand,
                        new.trace,
                    ),
                ),
            )
            number = int(inserted.lastrowid or 0)
            digests = {digest for _, digest in new.plan.inputs.pictures()}
            db.executemany("INSERT INTO job_pictures VALUES (?, ?)", [(number, digest) for digest in digests])
            return new.name, number, self._append(db, Entry(new.name, accepted))

    def append(self, entries: Sequence[Entry]) -> list[Stored | None]:
        """Record events in one transaction. None for each that its job's state or attempt does not allow."""
        with self._transaction() as db:
            return [self._append(db, entry) for entry in entries]

    def _append(self, db: sqlite3.Connection, entry: Entry) -> Stored | None:
        row = db.execute("SELECT number, job, state FROM jobs WHERE name = ?", (entry.name,)).fetchone()
        if row is None:
            return None
        number, data, state = row
        try:
            job = parsed_job(entry.name, data)
            check_agrees(db, number, job, state)
        except DamagedError as error:
            job, event = mend_job(db, number, str(error))
            if State(job.state) in ENDED:
                return Stored(event.sequence, event.SerializeToString(), True)
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
        most = self._retention.events
        if event.sequence - job.oldest_sequence >= most + most // 10:
            job.oldest_sequence = event.sequence - most + 1
            db.execute("DELETE FROM events WHERE job = ? AND sequence < ?", (number, job.oldest_sequence))
        last = State(job.state) in ENDED
        new_bytes = event.result.size
        if event.progress.preview_image:
            digest = event.progress.preview_image.removeprefix(IMAGE_PREFIX)
            # A job that is resumed reports some previews a second time.
            kept = db.execute("INSERT OR IGNORE INTO job_pictures VALUES (?, ?)", (number, digest))
            new_bytes += entry.preview_bytes * kept.rowcount
        db.execute(
            "UPDATE jobs SET state = ?, job = ?, ended = ?, result = ?, bytes = bytes + ? WHERE number = ?",
            (
                *(job.state, job.SerializeToString(), self._uptime(db) if last else None),
                *(job.result.digest or None, new_bytes, number),
            ),
        )
        return Stored(event.sequence, data, last)

    def _uptime(self, db: sqlite3.Connection) -> float:
        """Seconds of uptime of all servers that have used this database."""
        return float(db.execute(f"SELECT {UPTIME}").fetchone()[0])

    def get(self, owner: str, name: str) -> pb.Job:
        """The current state of a job. Raises `UnknownJobError`."""
        query = "SELECT number, job, plan FROM jobs WHERE owner = ? AND name = ?"
        row = self._db.execute(query, (owner, name)).fetchone()
        if row is None:
            raise UnknownJobError(name)
        number, job, plan = row
        return _with_request(self._readable(number, name, job), plan)

    def _readable(self, number: int, name: str, data: bytes) -> pb.Job:
        """The job in a row, without its request; where the row is damaged, what has become of the job."""
        try:
            return parsed_job(name, data)
        except DamagedError as error:
            with self._transaction() as db:
                job, _ = mend_job(db, number, str(error))
            return job

    def page(
        self, owner: str, before: int | None, size: int, states: Collection[State] = frozenset(State)
    ) -> list[tuple[int, pb.Job]]:
        """At most `size` jobs (number, job) in one of `states`, newest first.

        Those created before job number `before`, if that is given.
        """
        some = ", ".join("?" * len(states))
        rows = self._db.execute(
            "SELECT number, name, job, plan FROM jobs WHERE owner = ? AND number < ?"  # noqa: S608 - question marks
            f" AND state IN ({some}) ORDER BY number DESC LIMIT ?",
            (owner, 2**62 if before is None else before, *states, size),
        ).fetchall()
        return [(number, _with_request(self._readable(number, name, job), plan)) for number, name, job, plan in rows]

    def unfinished(self) -> list[Unfinished]:
        """Every job that has not ended, oldest first."""
        rows = self._db.execute(
            "SELECT number, name, owner, attached, plan, shorthand, job, trace FROM jobs WHERE state NOT IN (?, ?, ?)"
            " ORDER BY number",
            tuple(ENDED),
        ).fetchall()
        found = []
        for number, name, owner, attached, plan, shorthand, data, trace in rows:
            state = State(self._readable(number, name, data).state)
            if state in ENDED:
                continue
            try:
                parsed = parsed_plan(plan)
            except DamagedError as error:
                with self._transaction() as db:
                    fail_damaged_job(db, number, str(error))
            else:
                found.append(
                    Unfinished(number, name, owner, state, bool(attached), parsed, bool(shorthand), str(trace))
                )
        return found

    def events(self, name: str, after: int, most: int) -> list[Stored]:
        """At most `most` events of a job with sequence numbers above `after`, in order.

        Numbers are missing at the beginning where events are no longer kept, or were damaged.
        """
        while (found := self._readable_events(name, after, most)) is None:
            pass
        return found

    def _readable_events(self, name: str, after: int, most: int) -> list[Stored] | None:
        """As `events`; None where one of them was damaged, which has then been put aside."""
        rows = self._db.execute(
            "SELECT number, sequence, event FROM events JOIN jobs ON jobs.number = events.job"
            " WHERE name = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            (name, after, most),
        ).fetchall()
        final = ("result", "failed", "cancelled")
        found = []
        for number, sequence, data in rows:
            try:
                event = parsed_event(sequence, data)
            except DamagedError as error:
                with self._transaction() as db:
                    drop_damaged_event(db, number, sequence, str(error))
                return None
            found.append(Stored(sequence, data, kind_of(event) in final))
        return found

    def delete(self, owner: str, name: str) -> None:
        """Delete a job that has ended. Raises `UnknownJobError`, `NotEndedError`."""
        with self._transaction() as db:
            row = db.execute("SELECT state FROM jobs WHERE owner = ? AND name = ?", (owner, name)).fetchone()
            if row is None:
                raise UnknownJobError(name)
            if row[0] not in ENDED:
                raise NotEndedError(name)
            db.execute("DELETE FROM jobs WHERE name = ?", (name,))

    def delete_ended_calls(self) -> None:
        """Delete ended jobs that belong to calls: their server was killed before it could do so."""
        with self._transaction() as db:
            db.execute("DELETE FROM jobs WHERE attached AND ended IS NOT NULL")

    def by_request(self, owner: str, request_id: str) -> tuple[str, str] | None:
        """(name, fingerprint) of the job that `owner` created with a request id; None where there is none."""
        query = "SELECT name, fingerprint FROM jobs WHERE owner = ? AND request_id = ?"
        row = self._db.execute(query, (owner, request_id)).fetchone()
        return None if row is None else (str(row[0]), str(row[1]))

    def image_bytes(self, owner: str) -> int:
        """Size in bytes of all images of `owner`."""
        row = self._db.execute("SELECT COALESCE(SUM(size), 0) FROM images WHERE owner = ?", (owner,)).fetchone()
        return int(row[0])

    def total_bytes(self, owner: str | None = None) -> int:
        """Size in bytes of the pictures of all jobs, and of all images, or of those of `owner`.

        What several of them share counts for each.
        """
        owners = self._bytes_of_owners()
        return sum(owners.values()) if owner is None else owners.get(owner, 0)

    def _bytes_of_owners(self) -> dict[str, int]:
        """{owner: as `total_bytes`}. Every owner of a job or an image is there."""
        rows = self._db.execute(
            "SELECT owner, TOTAL(MAX(CAST(bytes AS INTEGER), 0)) FROM"
            " (SELECT owner, bytes FROM jobs UNION ALL SELECT owner, size FROM images) GROUP BY owner"
        )
        return {owner: int(size) for owner, size in rows}

    def add_image(self, owner: str, digest: str, size: int) -> None:
        """Record that `owner` has uploaded an image of `size` bytes."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?)", (owner, digest, size, self._uptime(db)))

    def may_read(self, owner: str, digest: str) -> bool:
        """Whether a picture is one that `owner` has uploaded, or that belongs to one of the owner's jobs."""
        queries = (  # one after another, because SQLite would answer all three before it combines them
            "SELECT 1 FROM images WHERE owner = ? AND digest = ?",
            "SELECT 1 FROM job_pictures JOIN jobs ON jobs.number = job_pictures.job WHERE owner = ? AND digest = ?",
            "SELECT 1 FROM jobs WHERE owner = ? AND result = ?",
        )
        return any(self._db.execute(f"{query} LIMIT 1", (owner, digest)).fetchone() for query in queries)

    def image_size(self, owner: str, digest: str) -> int | None:
        """Size in bytes of an image that `owner` has uploaded; None where there is none."""
        query = "SELECT size FROM images WHERE owner = ? AND digest = ?"
        row = self._db.execute(query, (owner, digest)).fetchone()
        return None if row is None else int(row[0])

    def retain(self, seconds: float) -> list[EndedJob]:
        """Add `seconds` to the uptime, and delete the images and ended jobs that the retention no longer keeps.

        Returns the deleted jobs.
        """
        limits = self._retention
        with self._transaction() as db:
            db.execute("UPDATE passed SET seconds = seconds + ?", (seconds,))
            now = self._uptime(db)
            db.execute("DELETE FROM images WHERE since < ?", (now - IMAGE_SECONDS,))
            old = expired(self._ended(now), limits)
            self._delete(old)
            more = list(surplus(self._ended(now), self._bytes_of_owners(), limits))
            self._delete(more)
        # Gives free pages back to the file system, one for each step; `execute` makes only one.
        self._db.executescript(f"PRAGMA incremental_vacuum({PAGES})")
        return old + more

    def _ended(self, now: float) -> list[EndedJob]:
        """The jobs that have ended, from the newest."""
        # Jobs that ended between two calls of `retain` have the same time; their numbers decide.
        rows = self._db.execute(
            "SELECT name, owner, ? - CAST(ended AS REAL), CAST(bytes AS INTEGER) FROM jobs WHERE ended IS NOT NULL"
            " ORDER BY ended DESC, number DESC",
            (now,),
        )
        return [EndedJob(*row) for row in rows]

    def _delete(self, jobs: Iterable[EndedJob]) -> None:
        self._db.executemany("DELETE FROM jobs WHERE name = ?", [(job.name,) for job in jobs])

    def wanted_blobs(self) -> frozenset[str]:
        """The digests of all blobs that a job or an image refers to."""
        rows: Iterable[tuple[str]] = self._db.execute(WANTED_BLOBS)
        return frozenset(digest for (digest,) in rows)


def _with_request(job: pb.Job, plan: bytes) -> pb.Job:
    """`job`, and what it was created from as far as that is not damaged; ended jobs do not need it."""
    with suppress(DamagedError):
        job.request.CopyFrom(parsed_plan(plan))
    return job
