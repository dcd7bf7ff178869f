"""`tfstyle estimate`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from tfstyle.inputs import BESIDES
from tfstyle.presets import PRESETS
from tfstyle_client._sync.client import Client
from tfstyle_client.cli.app import complain
from tfstyle_client.cli.connecting import check_server, client_of, reached
from tfstyle_client.cli.parameters import NO_ACCESS, Access, Json, Server, Weights
from tfstyle_client.cli.picture_files import NO_PICTURE_FILES, PictureFiles, named_pictures, start_file
from tfstyle_client.cli.picture_options import FirstOptions, OtherOptions, preset_and_overrides
from tfstyle_client.cli.picture_sizes import Sizes, sizes_in
from tfstyle_client.cli.reports import print_line
from tfstyle_client.display import clock
from tfstyle_client.events import Started
from tfstyle_client.json_lines import print_json
from tfstyle_client.option_values import file_path
from tfstyle_client.requests import estimate_request
from tfstyle_client.usage_errors import as_typed

NO_FIRST, NO_OTHERS = FirstOptions(), OtherOptions()


def estimate(
    content: Annotated[Path, Parameter(help="the photo; only its size counts", converter=file_path)],
    /,
    *style: Annotated[
        Path, Parameter(help="the painting, or several; only their sizes count", required=True, converter=file_path)
    ],
    first: FirstOptions = NO_FIRST,
    pictures: PictureFiles = NO_PICTURE_FILES,
    others: OtherOptions = NO_OTHERS,
    as_json: Json = False,
    server: Server = None,
    weights: Weights = None,
    access: Access = NO_ACCESS,
) -> None:
    """Tell the time and the memory that a picture would take, without making it."""
    preset, overrides = preset_and_overrides(first, others)
    start = start_file(overrides)
    check_server(server, weights)
    asked = sizes_in(named_pictures(content, style, pictures, start))
    estimate_request(asked.sizes, preset, overrides, asked.region_colours)  # raises before a server is started
    network = overrides.get("network") or PRESETS[preset].network
    # A private server that is to have VGG19 would fetch it first.
    loaded = network if network == "vgg19-lite" else "auto"
    with (
        reached(server, access, weights, loaded) as (address, credentials),
        client_of(server, address, credentials, complain) as client,
    ):
        found = estimated(client, asked, preset, overrides)
    if as_json:
        print_json("estimate", dataclasses.asdict(found))
        return
    for line in lines(found):
        print_line(line)


def estimated(client: Client, asked: Sizes, preset: str, overrides: Mapping[str, Any]) -> Started:
    """What the server says. Raises `ClientError`."""
    sizes, region_colours = asked
    besides = {part: getattr(sizes, part) for part in BESIDES}
    return client.estimate(
        sizes.content, sizes.styles, **besides, region_colours=region_colours, preset=preset, **overrides
    )


def lines(found: Started) -> Iterator[str]:
    """An estimate for a person."""
    yield f"{found.width} x {found.height} pixels, {found.max_evaluations} evaluations on {found.network}"
    tiles = "in tiles, because it does not fit as a whole" if found.tiled else "not in tiles"
    yield f"time: about {clock(found.expected)}"
    yield f"memory: about {found.memory / 1e9:.1f} GB, {tiles}"
    scales = [f"{stage.width} x {stage.height} ({stage.evaluations} on {stage.network})" for stage in found.stages]
    yield f"scales: {', '.join(scales)}"
    device = found.device
    if device is not None and device.gpu:
        yield f"device: {device}"
    yield from (note for note in (found.note, found.precision_note, device.note if device else "") if note)
    yield from (f"warning: {as_typed(warning)}" for warning in found.warnings)
