"""The `tfstyle` script, and `python -m tfstyle_client`."""

import signal
import sys
from types import FrameType

CANCELLED, TERMINATED = 130, 143


def main() -> None:
    """Entry point. Signals are looked after from here on, before anything slow is imported."""
    signal.signal(signal.SIGTERM, _end)
    try:
        from tfstyle_client.cli import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.stderr.write("tfstyle: cancelled\n")
        sys.exit(CANCELLED)


def _end(number: int, frame: FrameType | None) -> None:
    """Leave by an exception, so that a private server and its folder are cleared away."""
    sys.exit(TERMINATED)


if __name__ == "__main__":
    main()
