"""The `tfstyle` script, and `python -m tfstyle_client`."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from tfstyle_client.exit_codes import CANCELLED, TERMINATED


def main() -> None:
    """Entry point. Signals are handled from here on, before anything slow is imported."""
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a background job ignores it
        signal.signal(signal.SIGINT, _cancel)
    try:
        from tfstyle_client.cli import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        _say_cancelled()
        sys.exit(CANCELLED)


def _end(number: int, frame: FrameType | None) -> None:
    """Leave by an exception, so that a private server is stopped and its folder deleted."""
    sys.exit(TERMINATED)


def _cancel(number: int, frame: FrameType | None) -> NoReturn:
    """Leave by an exception, but at once in the midst of an import.

    An exception in the initialisation of an extension module comes out of it as something else, if at all. A private
    server ends with this process in any case.
    """
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            _say_cancelled()
            os._exit(CANCELLED)
        frame = frame.f_back
    raise KeyboardInterrupt


def _say_cancelled() -> None:
    sys.stderr.write("tfstyle: cancelled\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
