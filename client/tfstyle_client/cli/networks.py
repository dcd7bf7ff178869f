"""`tfstyle networks`: the networks on this machine, and how to get VGG19."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tfstyle.networks.at_hand import VGG19_ADDRESS, VGG19_MD5, NetworkFile, cached_path, networks_at_hand
from tfstyle_client.cli.parameters import Json
from tfstyle_client.cli.reports import print_line, report
from tfstyle_client.download import OnProgress, download, is_intact, partial_path
from tfstyle_client.errors import ServerUnreachableError, refusal
from tfstyle_client.files import reason
from tfstyle_client.json_lines import print_json

networks = App(name="networks", help="List the networks on this machine, or get VGG19.")


@networks.default
def listed(*, as_json: Json = False) -> None:
    """List the networks on this machine, or get VGG19."""
    try:
        found = list(networks_at_hand())
    except OSError as error:
        raise refusal("network", f"cannot read {error.filename}: {reason(error)}") from None
    for network in found:
        if as_json:
            path = None if network.path is None else str(network.path)
            print_json("network", {**dataclasses.asdict(network), "path": path})
        else:
            for line in _lines(network):
                print_line(line)


def _lines(network: NetworkFile) -> Iterator[str]:
    yield f"{network.name}: {network.purpose}"
    if network.path is None:
        yield f"  not found; searched {', '.join(network.searched)}"
    else:
        yield f"  {network.origin}: {network.path} ({network.bytes / 1e6:.1f} MB)"
        yield f"  SHA-256 {network.digest}"
    if network.remark:
        yield f"  {network.remark}"


@networks.command
def get(
    name: Annotated[Literal["vgg19"], Parameter(help="the network; vgg19-lite ships with tfstyle")],
    /,
    *,
    as_json: Json = False,
) -> None:
    """Fetch a network's weights (80 MB) from Keras' public address into Keras' own folder."""
    fetch(VGG19_ADDRESS, VGG19_MD5, cached_path(), as_json=as_json)


def fetch(address: str, md5: str, path: Path, *, as_json: bool) -> None:
    """Fetch the file of this MD5 at `address` into `path`, unless it is there. Raises `ClientError`."""
    try:
        if is_intact(path, md5):
            _say(f"{path.name} is already there, and intact")
            report("written", "path", str(path), as_json)
            return
        if path.exists():
            _say(f"{path} is damaged, or another file; it is replaced")
    except OSError as error:
        raise refusal("network", f"cannot read {path}: {reason(error)}") from None
    try:
        with _shown(urlsplit(address).netloc, as_json) as on_progress:
            download(address, path, md5, on_progress)
    except ServerUnreachableError as error:
        advice = f"check the connection and run it again, or put a copy of the file at {path}"
        raise ServerUnreachableError(f"{error}; {advice}", error.code) from None
    except KeyboardInterrupt:
        partial = partial_path(path)
        if partial.exists():
            _say(f"{partial.stat().st_size / 1e6:.1f} MB are kept in {partial}; the next run continues")
        raise
    report("written", "path", str(path), as_json)


@contextmanager
def _shown(host: str, as_json: bool) -> Iterator[OnProgress]:
    """What shows the progress: a bar on a terminal, and elsewhere the line that says where from."""
    console = Console(stderr=True)
    if as_json or not console.is_terminal:
        _say(f"fetching from {host}")
        yield lambda received, total: None
        return
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=console, transient=True) as bar:
        task = bar.add_task(f"fetching from {host}", total=None)
        yield lambda received, total: bar.update(task, completed=received, total=total)


def _say(text: str) -> None:
    sys.stderr.write(f"tfstyle: {text}\n")
    sys.stderr.flush()
