"""The database's schema, and its migration from earlier versions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tfstyle.v1 import style_transfer_pb2 as pb

VERSION = 6
UPTIME = "(SELECT TOTAL(CAST(seconds AS REAL)) FROM passed)"
"""Seconds of uptime of all servers that have used the database, as an expression; 0 where the row is lost."""
SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of creation
        name TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        request_id TEXT,
        fingerprint TEXT NOT NULL,                 -- of the plan, for idempotency
        attached INTEGER NOT NULL,                 -- whether the job ends with its call
        state INTEGER NOT NULL,
        result TEXT,                               -- digest
        bytes INTEGER NOT NULL,                    -- of all its blobs
        ended REAL,                                -- time as counted in the table passed
        plan BLOB NOT NULL,                        -- normalised StylizeRequest
        job BLOB NOT NULL,                         -- Job
        shorthand INTEGER NOT NULL DEFAULT 1,      -- whether the request had its pictures in the shorthand fields
        trace TEXT NOT NULL DEFAULT ''             -- where its spans belong, as `Receipt.carrier`
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS by_request ON jobs (owner, request_id) WHERE request_id IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS by_owner ON jobs (owner, number)",
    "CREATE INDEX IF NOT EXISTS by_state ON jobs (state, ended)",
    "CREATE INDEX IF NOT EXISTS by_result ON jobs (result) WHERE result IS NOT NULL",
    """
    CREATE TABLE IF NOT EXISTS job_pictures (      -- the blobs that a job is made from
        job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
        digest TEXT NOT NULL,
        PRIMARY KEY (job, digest)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS by_digest ON job_pictures (digest)",
    """
    CREATE TABLE IF NOT EXISTS events (
        job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
        sequence INTEGER NOT NULL,
        event BLOB NOT NULL,                       -- JobEvent
        PRIMARY KEY (job, sequence)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS damaged (           -- what could not be read; see quarantine.py
        job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
        what TEXT NOT NULL,                        -- "job", "plan" or "event N"
        data BLOB NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS images (
        owner TEXT NOT NULL,
        digest TEXT NOT NULL,
        size INTEGER NOT NULL,                     -- bytes
        since REAL NOT NULL,                       -- time of the upload as counted in the table passed
        PRIMARY KEY (owner, digest)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS passed (            -- one row: seconds of server uptime
        seconds REAL NOT NULL
    )
    """,
    "INSERT INTO passed SELECT 0 WHERE NOT EXISTS (SELECT * FROM passed)",
)


def is_new(path: Path) -> bool:
    """Whether the database at `path` does not exist, or has nothing in it. Raises sqlite3.Error for another file."""
    if not path.exists():
        return True
    with closing(sqlite3.connect(path)) as db:
        return bool(db.execute("PRAGMA user_version").fetchone() == (0,))


def known_version(db: sqlite3.Connection) -> int:
    """The version of a database's schema; 0 if it has none. Writes nothing.

    Raises sqlite3.DatabaseError for a version that this release does not know.
    """
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if not 0 <= version <= VERSION:
        raise sqlite3.DatabaseError(f"it was written by another release of tfstyle (version {version})")
    return version


def prepare_schema(db: sqlite3.Connection) -> None:
    """Create the schema, or migrate that of an earlier version, in one transaction.

    `db` must be in autocommit mode. Raises as `known_version` does.
    """
    version = known_version(db)
    if version == VERSION:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        if version == 1:
            _migrate_1_to_2(db)
        if version in (1, 2):
            _migrate_2_to_3(db)
        if 0 < version < 6:
            db.execute("ALTER TABLE jobs ADD COLUMN trace TEXT NOT NULL DEFAULT ''")
        for statement in SCHEMA:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        if db.in_transaction:  # a full disk has rolled it back already
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _migrate_1_to_2(db: sqlite3.Connection) -> None:
    """Version 1 stored times of the system clock; these cannot be converted to uptime, so everything starts at 0."""
    db.execute("UPDATE jobs SET ended = 0 WHERE ended IS NOT NULL")
    db.execute("ALTER TABLE images RENAME COLUMN expires TO since")
    db.execute("UPDATE images SET since = 0")


def _migrate_2_to_3(db: sqlite3.Connection) -> None:
    """Version 2 had one content and one style in columns, and the request without its pictures in `transfer`."""
    db.execute("ALTER TABLE jobs RENAME COLUMN transfer TO plan")
    db.execute("ALTER TABLE jobs ADD COLUMN shorthand INTEGER NOT NULL DEFAULT 1")
    for statement in SCHEMA:
        if "job_pictures" in statement:
            db.execute(statement)
    for number, content, style, plan in db.execute("SELECT number, content, style, plan FROM jobs").fetchall():
        request = pb.StylizeRequest.FromString(plan)
        request.detach = False
        request.inputs.content.image = f"images/{content}"
        request.inputs.styles.add().picture.image = f"images/{style}"
        db.execute("UPDATE jobs SET plan = ? WHERE number = ?", (request.SerializeToString(), number))
        db.executemany("INSERT OR IGNORE INTO job_pictures VALUES (?, ?)", [(number, content), (number, style)])
    db.execute("ALTER TABLE jobs DROP COLUMN content")
    db.execute("ALTER TABLE jobs DROP COLUMN style")
