"""`tfstyle info`: how a result was made, or what a server is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tfstyle.errors import InvalidInputError
from tfstyle.options import RULES
from tfstyle.presets import PRESETS, strength_of
from tfstyle.provenance import Provenance
from tfstyle.provenance_json import read_provenance
from tfstyle_client._sync.client import Client
from tfstyle_client.cli.app import complain
from tfstyle_client.cli.parameters import ACCESS, NO_ACCESS, PATIENCE, Access, Json
from tfstyle_client.cli.reports import print_line
from tfstyle_client.errors import refusal
from tfstyle_client.files import read_file
from tfstyle_client.json_lines import print_json
from tfstyle_client.option_values import file_path
from tfstyle_client.server_info import ServerInfo


def info(
    result: Annotated[
        Path | None,
        Parameter(
            help="a picture that tfstyle has made: PNG, JPEG, WebP or TIFF; - is standard input",
            allow_leading_hyphen=True,
            converter=file_path,
        ),
    ] = None,
    /,
    *,
    server: Annotated[
        str | None,
        Parameter(env_var="TFSTYLE_SERVER", help="HOST:PORT or unix:PATH of a server, without RESULT", group=ACCESS),
    ] = None,
    as_json: Json = False,
    access: Access = NO_ACCESS,
) -> None:
    """Show how the picture RESULT was made; without it, what a server is, does, and accepts."""
    if result is not None:
        _show_provenance(read_file(result, "result"), as_json)
    elif server is None:
        raise refusal("server", "is missing; give --server, or set TFSTYLE_SERVER; or name a picture")
    else:
        _show_server(server, access, as_json)


def _show_provenance(data: bytes, as_json: bool) -> None:
    made = read_provenance(data)
    if as_json:
        print_json("provenance", dataclasses.asdict(made))
        return
    for line in provenance_lines(made):
        print_line(line)


def provenance_lines(made: Provenance) -> Iterator[str]:
    """How a result was made, for a person."""
    yield f"tfstyle {made.version}, TensorFlow {made.tensorflow}, precision {made.precision}, on {made.device}"
    for name, digest in made.networks.items():
        yield f"network {name}  sha256 {digest}"
    for source in made.pictures:
        weight = "" if source.weight is None else f"  weight {source.weight:g}"
        yield f"picture {source.name}  {source.width} x {source.height}  sha256 {source.digest or 'unknown'}{weight}"
    for stage in made.stages:
        tiled = ", in tiles" if stage.whole_from > 1 else ""
        yield (
            f"{stage.width} x {stage.height} pixels: {stage.evaluations} evaluations on {stage.network},"
            f" style loss {stage.style_loss}{tiled}"
        )
    yield f"preset {made.preset}{_strength(made)}"
    for name, value in made.options.items():
        text = RULES[name].text(value) if name in RULES else str(value)
        usual = made.preset in PRESETS and value == getattr(PRESETS[made.preset], name, None)
        yield f"  {name} {text}{'' if usual else '  (changed)'}"


def _strength(made: Provenance) -> str:
    try:
        strength = strength_of(made.transfer_options())
    except InvalidInputError:
        return ""
    return "" if strength is None else f", strength {strength:g}"


def _show_server(server: str, access: Access, as_json: bool) -> None:
    with Client(server, PATIENCE, access.credentials(), complain) as client:
        found = client.server_info()
    if as_json:
        print_json("server", dataclasses.asdict(found))
        return
    for line in _server_lines(found):
        print_line(line)


def _server_lines(found: ServerInfo) -> Iterator[str]:
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
