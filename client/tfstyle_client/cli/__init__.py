"""The command line `tfstyle`."""

from tfstyle_client.cli.app import app, run

__all__ = ["app", "run"]
