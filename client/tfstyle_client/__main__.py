"""The `tfstyle` script, and `python -m tfstyle_client`."""

import signal
import sys
from types import FrameType

from tfstyle_client.exit_codes import CANCELLED, TERMINATED


def main() -> None:
    """Entry point. Signals are handled from here on, before anything slow is imported."""
    signal.signal(signal.SIGTERM, _end)
    try:
        from tfstyle_client.cli import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.stderr.write("tfstyle: cancelled\n")
        sys.exit(CANCELLED)


def _end(number: int, frame: FrameType | None) -> None:
    """Leave by an exception, so that a private server is stopped and its folder deleted."""
    sys.exit(TERMINATED)


if __name__ == "__main__":
    main()
