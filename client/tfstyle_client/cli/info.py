"""`tfstyle info`: what a server is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tfstyle_client._sync.client import Client
from tfstyle_client.cli.app import complain
from tfstyle_client.cli.parameters import NO_ACCESS, PATIENCE, Access, JobServer, Json
from tfstyle_client.cli.reports import print_line
from tfstyle_client.json_lines import print_json
from tfstyle_client.server_info import ServerInfo


def info(*, server: JobServer, as_json: Json = False, access: Access = NO_ACCESS) -> None:
    """Show a server's version, its network, what it is doing, and its limits."""
    with Client(server, PATIENCE, access.credentials(), complain) as client:
        found = client.server_info()
    if as_json:
        print_json("server", dataclasses.asdict(found))
        return
    for line in _lines(found):
        print_line(line)


def _lines(found: ServerInfo) -> Iterator[str]:
    limits = found.limits
    ready = f"ready, {found.network}" if found.ready else "not ready"
    yield f"tfstyle {found.version}: {ready}; {found.running} running, {found.waiting} waiting, {found.workers} at once"
    yield f"presets: {', '.join(found.presets)}; networks: {', '.join(found.networks)}"
    pixels = f"{limits.image_pixels / 1e6:g} megapixels"
    yield f"pictures: up to {limits.image_bytes / 2**20:,.0f} MiB and {pixels}; results up to {limits.size} px"
    yield (
        f"each caller: {limits.caller_jobs} unfinished jobs, {limits.caller_queue} waiting,"
        f" {limits.caller_running} running; {limits.kept_jobs} ended ones for {limits.kept / 86400:g} days"
    )
