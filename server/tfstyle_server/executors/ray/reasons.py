"""What Ray says of an actor's end, in a few words; Ray itself uses many lines."""

from __future__ import annotations

import re

import ray.exceptions as why

LONGEST, SHORT = 1000, 300
_BECAUSE = re.compile(r"(?:dead|died) because (.{3,150}?)[.:] ")


def reason(error: Exception) -> str:
    """How an actor has ended, by the exception of a call to it."""
    match error:
        case why.ActorDiedError() if error.preempted or "node was terminated" in str(error):
            return "its node was taken away"
        case why.ActorDiedError() if "node has died" in str(error):
            return "its node was lost"
        case why.ActorDiedError() if "it was killed by" in str(error):
            return "it was killed"
        case why.ActorDiedError() if "worker process has died" in str(error):
            return "its process ended"
        case why.ActorDiedError() if match := _BECAUSE.search(one_line(error)):
            return f"it died because {match[1]}"
        case why.ActorUnavailableError():
            return "it can no longer be reached"
        case why.RayTaskError():
            return one_line(error.cause or error)[:SHORT]
        case _:
            return one_line(error)[:SHORT]


def one_line(error: BaseException) -> str:
    """An exception's text in one line."""
    return " ".join(str(error).split())[:LONGEST] or type(error).__name__
