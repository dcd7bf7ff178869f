"""Events as JSON: one object a line on standard output, for scripts."""

from __future__ import annotations

import dataclasses
import json
import sys
from datetime import datetime
from types import TracebackType
from typing import Self

from tfstyle_client.events import Event, JobStatus


class JsonLines:
    """Writes events as JSON lines; pictures are replaced by their sizes in bytes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, event: Event) -> None:
        """Write one event."""
        fields = dataclasses.asdict(event)
        for picture in ("png", "preview"):
            if picture in fields:
                fields[f"{picture}_bytes"] = len(fields.pop(picture) or b"")
        print_json(type(event).__name__.lower(), fields)

    def say(self, text: str) -> None:
        """Write a remark for a person to standard error."""
        sys.stderr.write(f"tfstyle: {text}\n")


def job_fields(job: JobStatus) -> dict[str, object]:
    """A job as JSON can hold it: times in ISO 8601."""
    fields = dataclasses.asdict(dataclasses.replace(job, progress=None))
    if job.progress is not None:
        fields["progress"] = dataclasses.asdict(dataclasses.replace(job.progress, preview=None))
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields.items()}


def print_json(kind: str, fields: dict[str, object]) -> None:
    """One line of JSON on standard output, at once."""
    sys.stdout.write(json.dumps({"event": kind, **fields}) + "\n")
    sys.stdout.flush()
