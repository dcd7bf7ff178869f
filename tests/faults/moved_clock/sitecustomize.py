"""Moves the wall clock of a Python process by the seconds in the file PYTHON_MOVED_CLOCK, whenever they change.

Python imports a module of this name as it starts, where its folder is in PYTHONPATH. Moved is what Python code sees;
monotonic clocks are left alone, as by somebody who sets the machine's clock.
"""

import datetime
import os
import time
from pathlib import Path
from typing import Self

_FILE = Path(os.environ["PYTHON_MOVED_CLOCK"])
_REAL = time.time


def _moved() -> float:
    return _REAL() + float(_FILE.read_text())


class _Moved(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(time.time(), tz)


time.time = _moved
time.time_ns = lambda: int(_moved() * 1e9)
datetime.datetime = _Moved  # type: ignore[misc]
