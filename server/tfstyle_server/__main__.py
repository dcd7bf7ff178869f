"""`python -m tfstyle_server` and the script `tfstyle-server` are the server's command line."""

import signal
import sys


def main() -> None:
    """Run the server's command line."""
    # Until the server takes over, Ctrl-C ends the process at once and in silence; the imports take a while.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tfstyle_server.cli import run

    sys.exit(run(sys.argv[1:], "tfstyle-server"))


if __name__ == "__main__":
    main()
