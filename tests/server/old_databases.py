"""Databases as earlier releases have left them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tfstyle.v1 import style_transfer_pb2 as pb

OLD_SCHEMA = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, request_id TEXT,
    fingerprint TEXT NOT NULL, attached INTEGER NOT NULL, state INTEGER NOT NULL, content TEXT NOT NULL,
    style TEXT NOT NULL, result TEXT, bytes INTEGER NOT NULL, ended REAL, transfer BLOB NOT NULL, job BLOB NOT NULL
);
CREATE UNIQUE INDEX by_request ON jobs (owner, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX by_owner ON jobs (owner, number);
CREATE INDEX by_state ON jobs (state, ended);
CREATE TABLE events (
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE, sequence INTEGER NOT NULL, event BLOB NOT NULL,
    PRIMARY KEY (job, sequence)
) WITHOUT ROWID;
"""


OLD_IMAGES = {
    1: """CREATE TABLE images (owner TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, expires REAL NOT NULL,
          PRIMARY KEY (owner, digest)) WITHOUT ROWID;""",
    2: """CREATE TABLE images (owner TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, since REAL NOT NULL,
          PRIMARY KEY (owner, digest)) WITHOUT ROWID;
          CREATE TABLE passed (seconds REAL NOT NULL);
          INSERT INTO passed VALUES (50);""",
}


def old_database(
    path: Path, version: int, owner: str = "me", content: str = "c" * 64, style: str = "s" * 64, result: str = "r" * 64
) -> None:
    """A database as an earlier release has left it: a job that has ended, one that runs, and an image."""
    database = sqlite3.connect(path)
    database.executescript(OLD_SCHEMA + OLD_IMAGES[version] + f"PRAGMA user_version = {version};")
    options = pb.TransferOptions(size=64, max_evaluations=4)
    transfer = pb.StylizeRequest(preset="fast", options=options, detach=True)
    for name, state in (("jobs/ended", pb.Job.STATE_SUCCEEDED), ("jobs/runs", pb.Job.STATE_RUNNING)):
        job = pb.Job(name=name, state=state, oldest_sequence=1, sequence=1, attempts=1)
        ended = (1.7e9 if version == 1 else 20.0) if state == pb.Job.STATE_SUCCEEDED else None
        number = database.execute(
            "INSERT INTO jobs (name, owner, request_id, fingerprint, attached, state, content, style, result, bytes,"
            " ended, transfer, job) VALUES (?, ?, ?, 'f', 0, ?, ?, ?, ?, 10, ?, ?, ?)",
            (
                *(name, owner, name, state, content, style if ended is None else content, result if ended else None),
                *(ended, transfer.SerializeToString(), job.SerializeToString()),
            ),
        ).lastrowid
        event = pb.JobEvent(sequence=1, accepted=pb.Accepted())
        database.execute("INSERT INTO events VALUES (?, 1, ?)", (number, event.SerializeToString()))
    database.execute(
        "INSERT INTO images VALUES (?, 'i', 10, ?)",
        (
            owner,
            1.7e9 if version == 1 else 30.0,
        ),
    )
    database.commit()
    database.close()
