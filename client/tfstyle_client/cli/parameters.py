"""Parameters that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from tfstyle_client.credentials import Credentials
from tfstyle_client.errors import refusal
from tfstyle_client.files import read_file
from tfstyle_client.growth import ENDINGS as GROWTH_ENDINGS
from tfstyle_client.option_values import file_path, whole_number
from tfstyle_client.picture_formats import FORMATS, QUALITY
from tfstyle_client.plot_file import ENDINGS

MAIN = Group("Main options", sort_key=1)
PICTURES = Group("Pictures", sort_key=2)
OUTPUT = Group("Output", sort_key=3)
LOSSES = Group("Losses", sort_key=4)
OPTIMIZER = Group("Optimizer", sort_key=5)
ACCESS = Group("Access", sort_key=6)

PATIENCE = 30.0
"""Seconds for which commands wait for a server that is unavailable, as while it restarts; films wait longer."""

_ENDINGS = ", ".join(FORMATS)
_PLOT_ENDINGS = "{}, {} or {}".format(*ENDINGS)
OutputPath = Annotated[
    Path,
    Parameter(
        name=["--output", "-o"],
        help=f"file to write, in the format of its ending ({_ENDINGS}); - is standard output, as PNG",
        group=MAIN,
        allow_leading_hyphen=True,
        converter=file_path,
    ),
]
Quality = Annotated[
    int | None,
    Parameter(
        help="quality of JPEG, WebP and AVIF files (1 to 100)",
        show_default=str(QUALITY),
        group=OUTPUT,
        converter=whole_number,
    ),
]
Preview = Annotated[
    Path | None,
    Parameter(
        help="file that is rewritten while the picture is made; endings as for -o",
        group=OUTPUT,
        allow_leading_hyphen=True,
        converter=file_path,
    ),
]
Plot = Annotated[
    Path | None,
    Parameter(
        help=f"write the loss curves to this file at the end; {_PLOT_ENDINGS}",
        group=OUTPUT,
        allow_leading_hyphen=True,
        converter=file_path,
    ),
]
Gif = Annotated[
    Path | None,
    Parameter(
        help="write how the picture came about to this file at the end, as an animation; {}, {} or {}".format(
            *GROWTH_ENDINGS
        ),
        group=OUTPUT,
        allow_leading_hyphen=True,
        converter=file_path,
    ),
]
OpenPage = Annotated[
    bool,
    Parameter(
        name="--open",
        help="show the run in the browser, and keep the page until Ctrl-C",
        group=OUTPUT,
    ),
]
Json = Annotated[
    bool, Parameter(name="--json", help="write events as JSON, one object a line, to standard output", group=OUTPUT)
]
Server = Annotated[
    str | None,
    Parameter(
        env_var="TFSTYLE_SERVER",
        help="HOST:PORT or unix:PATH of a server; without it, a private server is started",
        group=ACCESS,
    ),
]
Weights = Annotated[
    str | None, Parameter(help="VGG19 weights (Keras' HDF5 without top) for the private server", group=ACCESS)
]
JobServer = Annotated[
    str, Parameter(name="--server", env_var="TFSTYLE_SERVER", help="HOST:PORT or unix:PATH of the server", group=ACCESS)
]
Timeout = Annotated[float | None, Parameter(help="deadline in seconds", group=ACCESS)]
JobName = Annotated[str, Parameter(help="the job's name, as printed by tfstyle stylize --detach")]


@Parameter(name="*")
@dataclass(frozen=True)
class Access:
    """The options for a server with TLS or tokens."""

    tls: Annotated[
        bool,
        Parameter(env_var="TFSTYLE_TLS", help="encrypt, and verify the server's certificate", group=ACCESS),
    ] = False
    tls_ca: Annotated[
        Path | None,
        Parameter(
            env_var="TFSTYLE_TLS_CA",
            help="certificates of the authorities to trust, PEM",
            group=ACCESS,
            converter=file_path,
        ),
    ] = None
    tls_certificate: Annotated[
        Path | None,
        Parameter(
            env_var="TFSTYLE_CLIENT_CERTIFICATE",
            help="the client's own certificate, PEM",
            group=ACCESS,
            converter=file_path,
        ),
    ] = None
    tls_key: Annotated[
        Path | None,
        Parameter(
            env_var="TFSTYLE_CLIENT_KEY",
            help="the key of the client's certificate, PEM",
            group=ACCESS,
            converter=file_path,
        ),
    ] = None
    token_file: Annotated[
        Path | None,
        Parameter(env_var="TFSTYLE_TOKEN_FILE", help="file with the token to send", group=ACCESS, converter=file_path),
    ] = None

    def arguments(self) -> list[str]:
        """The same options, as another command of the command line takes them."""
        given = {
            "--tls-ca": self.tls_ca,
            "--tls-certificate": self.tls_certificate,
            "--tls-key": self.tls_key,
            "--token-file": self.token_file,
        }
        paths = [word for name, path in given.items() if path is not None for word in (name, str(path))]
        return [*(["--tls"] if self.tls else []), *paths]

    def credentials(self) -> Credentials:
        """Read the files. Raises `BadRequestError` naming the option."""
        return Credentials(
            self.tls or self.tls_ca is not None or self.tls_certificate is not None,
            _read(self.tls_ca, "tls_ca"),
            _read(self.tls_certificate, "tls_certificate"),
            _read(self.tls_key, "tls_key"),
            None if self.token_file is None else _token(self.token_file),
        )


NO_ACCESS = Access()


def _read(path: Path | None, field: str) -> bytes | None:
    return None if path is None else read_file(path, field)


def _token(path: Path) -> str:
    """The token in the file, which an editor may have saved with a byte order mark."""
    data = read_file(path, "token_file")
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig").strip()
    except UnicodeDecodeError:
        text = "\N{REPLACEMENT CHARACTER}"
    if not text:
        raise refusal("token_file", f"{path} is empty")
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise refusal("token_file", f"{path} must have one token of printable ASCII characters, and nothing else")
    return text
