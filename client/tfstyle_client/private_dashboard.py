"""A dashboard for one run, in a process of its own, which ends with this one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tfstyle_client.errors import ServerUnreachableError

SAYS = "tfstyle: dashboard on "
"""What the process says when it answers requests."""
STOP_SECONDS = 5.0


@contextmanager
def private_dashboard(server: str, access: Sequence[str]) -> Iterator[str]:
    """Serve the dashboard of `server` on any free port of this machine, and yield its address.

    `access` are the options with which the command line reaches that server. Raises `ClientError` where the dashboard
    cannot start.
    """
    command = [sys.executable, "-m", "tfstyle_client", "dashboard", "--server", server, "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(  # noqa: S603 - our own module
        [*command, "--stop-with-stdin", *access],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C reaches the client only, which then stops the dashboard
    )
    assert process.stdin is not None
    assert process.stderr is not None
    try:
        last = "it said nothing"
        for line in process.stderr:
            if line.startswith(SAYS):
                yield line.removeprefix(SAYS).strip()
                return
            last = line.strip().removeprefix("tfstyle: ") or last
        raise ServerUnreachableError(f"open: the dashboard cannot start: {last}", "UNAVAILABLE")
    finally:
        process.stdin.close()
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stderr.close()
