"""The exit codes of the command line."""

DONE = 0
FAILED = 1
BAD_INPUT = 2
NO_SERVER = 3
DEADLINE_EXCEEDED = 4
CANCELLED = 130
BROKEN_PIPE = 141
TERMINATED = 143

SUMMARY = (
    f"Exit codes: {DONE} done; {FAILED} the server failed; {BAD_INPUT} bad input; "
    f"{NO_SERVER} no server, or it is busy; {DEADLINE_EXCEEDED} deadline exceeded; {CANCELLED} cancelled; "
    f"{BROKEN_PIPE} the reader of standard output has ended; {TERMINATED} ended by SIGTERM."
)

_OF_STATUS = {
    "INVALID_ARGUMENT": BAD_INPUT,
    "FAILED_PRECONDITION": BAD_INPUT,
    "NOT_FOUND": BAD_INPUT,
    "UNAUTHENTICATED": BAD_INPUT,
    "UNAVAILABLE": NO_SERVER,
    "RESOURCE_EXHAUSTED": NO_SERVER,
    "DEADLINE_EXCEEDED": DEADLINE_EXCEEDED,
}


def of_status(code: str) -> int:
    """The exit code for an error with that gRPC status code, such as "UNAVAILABLE"."""
    return _OF_STATUS.get(code, FAILED)
