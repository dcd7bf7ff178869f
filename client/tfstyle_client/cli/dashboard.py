"""`tfstyle dashboard`."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter
from platformdirs import user_state_path

from tfstyle.rules import shown
from tfstyle_client.cli.parameters import NO_ACCESS, Access, JobServer
from tfstyle_client.dashboard.guard import checked_origins
from tfstyle_client.dashboard.serving import address_of, bound, is_reachable_by_others, key_in, serve
from tfstyle_client.dashboard.settings import DashboardSettings, Public, Reach
from tfstyle_client.errors import refusal
from tfstyle_client.files import read_file
from tfstyle_client.open_browser import open_in_browser
from tfstyle_client.option_values import file_path
from tfstyle_client.target import parse_target

PAGE = Group("Page", sort_key=1)


def dashboard(
    *,
    server: JobServer,
    listen: Annotated[
        str,
        Parameter(
            env_var="TFSTYLE_DASHBOARD",
            help="HOST:PORT of the page; port 0 for any free one",
            show_default=True,
            group=PAGE,
        ),
    ] = "127.0.0.1:8080",
    open_page: Annotated[bool, Parameter(name="--open", help="open the page in the browser", group=PAGE)] = False,
    host: Annotated[
        tuple[str, ...],
        Parameter(help="a further name by which browsers ask for the page, as behind a proxy", group=PAGE),
    ] = (),
    origin: Annotated[
        tuple[str, ...], Parameter(help="another page that may read the API, such as https://example.org", group=PAGE)
    ] = (),
    page_certificate: Annotated[
        Path | None, Parameter(help="certificate chain of the page, PEM, for HTTPS", group=PAGE, converter=file_path)
    ] = None,
    page_key: Annotated[
        Path | None, Parameter(help="key of the page's certificate, PEM", group=PAGE, converter=file_path)
    ] = None,
    insecure: Annotated[
        bool,
        Parameter(
            help="allow an address that other machines can reach without HTTPS, or for a server without tokens",
            group=PAGE,
        ),
    ] = False,
    of_server: Annotated[bool, Parameter(show=False)] = False,
    public_server: Annotated[str | None, Parameter(show=False)] = None,
    public_tls: Annotated[bool, Parameter(show=False)] = False,
    stop_with_stdin: Annotated[bool, Parameter(show=False)] = False,
    access: Access = NO_ACCESS,
) -> None:
    """Serve a page that shows the jobs of a server, and makes new ones."""
    target = parse_target(server)
    credentials = access.credentials()
    credentials.check(target)
    reach = _reach(listen, host, origin, page_certificate, page_key)
    others = is_reachable_by_others(reach)
    if others and not insecure and reach.certificate is None:
        raise refusal(
            "listen",
            f"other machines can reach {reach.host}, and the connection is not encrypted; give --page-certificate and"
            " --page-key, or --insecure where a proxy or a private network protects it",
        )
    # A token, a certificate and a Unix socket are one person's: the page must not open them to everybody here.
    own = credentials.token is not None or credentials.certificate is not None or bool(target.path)
    private = own and not of_server
    try:
        key = key_in(user_state_path("tfstyle-dashboard", appauthor=False))
    except OSError as error:
        raise refusal("dashboard", f"cannot keep the key of its cookies: {error.strerror or error}") from None
    settings = DashboardSettings(
        server,
        credentials,
        None if public_server is None else Public(public_server, public_tls),
        reach,
        private,
        others and not insecure,
        key=key,
    )
    logging.basicConfig(format="%(asctime)s %(levelname)-7s %(name)s  %(message)s", level=logging.WARNING)
    with bound(reach) as listening:
        address = address_of(listening, reach, settings.code if private else "")

        def on_ready() -> None:
            sys.stderr.write(f"tfstyle: dashboard on {address}\n")
            sys.stderr.flush()
            if open_page:
                open_in_browser(address)

        asyncio.run(serve(settings, listening, on_ready, stop_with_stdin=stop_with_stdin))


def _reach(
    listen: str, hosts: tuple[str, ...], origins: tuple[str, ...], certificate: Path | None, key: Path | None
) -> Reach:
    """Raises `BadRequestError`."""
    name, _, port = listen.rpartition(":")
    if not (name and port.isascii() and port.isdecimal() and int(port) < 2**16):
        raise refusal("listen", f"must be HOST:PORT, such as 127.0.0.1:8080; got {shown(listen)}")
    if (certificate is None) != (key is None):
        raise refusal("page_key", "certificate and key belong together; give both")
    for field, path in (("page_certificate", certificate), ("page_key", key)):
        if path is not None:
            read_file(path, field)
    try:
        allowed = tuple(checked_origins(origins))
    except ValueError as error:
        raise refusal("origin", str(error)) from None
    return Reach(name.strip("[]"), int(port), hosts, allowed, certificate, key)
