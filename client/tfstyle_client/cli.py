"""The command line `tfstyle`.

Exit codes: 0 done; 1 the server failed; 2 the input or the command line is at fault; 3 the server
cannot be reached, has gone, or takes no more requests; 4 out of time; 130 cancelled by Ctrl-C.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import wraps
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.options import KINDS, PRESETS, RULES, STYLE_WEIGHT_OF_STRENGTH, ProgressOptions
from tfstyle.rules import shown
from tfstyle_client._sync.client import Client
from tfstyle_client.credentials import PLAINTEXT, Credentials
from tfstyle_client.display import display, job_fields, job_line, print_json
from tfstyle_client.errors import BadRequestError, ClientError, ServerUnreachableError
from tfstyle_client.events import Progress, Result
from tfstyle_client.exit_codes import BAD_INPUT, CANCELLED, FAILED, NO_SERVER, of_status
from tfstyle_client.files import check_writable, read_picture, write_whole
from tfstyle_client.requests import stylize_request

app = typer.Typer(
    help="Repaint a photo in the style of a painting.",
    epilog="Exit codes: 0 done; 1 the server failed; 2 bad input; 3 no server or a busy one; 4 out of time; "
    "130 cancelled.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

PREVIEW_EVERY = 5
PATIENCE = 30.0
"""Seconds for which a server of jobs may not answer, as while it starts again."""
# Typer has Click under its own name or as a dependency, by version; this is Click's UsageError in both.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def _engine_option(name: str) -> inspect.Parameter:
    """A command line option for one field of `TransferOptions`, described by its rule."""
    values = {preset: getattr(options, name) for preset, options in PRESETS.items()}
    words = {preset: ",".join(v) if isinstance(v, tuple) else str(v) for preset, v in values.items()}
    own = [f"{preset}: {word}" for preset, word in words.items() if word != words["default"]]
    defaults = ", ".join([words["default"], *own])
    kind = str if KINDS[name] is tuple else KINDS[name]
    text = f"{RULES[name].doc} ({RULES[name].accepts()}) [default: {defaults}]"
    flags = ["--" + spelling.replace("_", "-") for spelling in (name, RULES[name].alias) if spelling]
    option = typer.Option(*flags, help=text, rich_help_panel="The picture", show_default=False)
    annotation = Annotated[kind | None, option]  # type: ignore[valid-type]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _with_engine_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add an option for every field of `TransferOptions` to a command that takes them as `**options`."""
    signature = inspect.signature(command, eval_str=True)
    own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*own, *(_engine_option(name) for name in RULES)]
    )
    return command


@dataclass(frozen=True)
class AccessFiles:
    """Where the command line finds what `Access` is made of."""

    tls: bool
    tls_ca: Path | None
    tls_certificate: Path | None
    tls_key: Path | None
    token_file: Path | None

    def load(self) -> Credentials:
        """Read the files. Raises `BadRequestError` naming the option."""

        def read(name: str) -> bytes | None:
            path: Path | None = getattr(self, name)
            return None if path is None else read_picture(path, name)

        token = read("token_file")
        return Credentials(
            self.tls or self.tls_ca is not None or self.tls_certificate is not None,
            read("tls_ca"),
            read("tls_certificate"),
            read("tls_key"),
            None if token is None else token.decode("ascii", "replace").strip(),
        )


def _with_access(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes `access` the options that `AccessFiles` is made of."""
    environment = {"tls_certificate": "TFSTYLE_CLIENT_CERTIFICATE", "tls_key": "TFSTYLE_CLIENT_KEY"}
    files = {
        "tls_ca": "the authority of the server's certificate, PEM",
        "tls_certificate": "the client's own certificate, PEM",
        "tls_key": "the key of the client's certificate, PEM",
        "token_file": "file with the token to send",
    }
    options: dict[str, tuple[Any, str, Any]] = {"tls": (bool, "encrypt, and check the server's certificate", False)}
    options |= {name: (Path | None, text, None) for name, text in files.items()}

    @wraps(command)
    def with_access(*arguments: Any, **named: Any) -> None:
        access = AccessFiles(**{name: named.pop(name) for name in options})
        command(*arguments, access=access, **named)

    def parameter(name: str, kind: Any, text: str, default: Any) -> inspect.Parameter:
        flag = "--" + name.replace("_", "-")
        variable = environment.get(name, f"TFSTYLE_{name.upper()}")
        option = typer.Option(flag, envvar=variable, help=text, rich_help_panel="Access")
        return inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
        )

    signature = inspect.signature(command, eval_str=True)
    own = [p for name, p in signature.parameters.items() if name != "access"]
    var = [p for p in own if p.kind is inspect.Parameter.VAR_KEYWORD]
    own = [p for p in own if p not in var]
    added = [parameter(name, *rest) for name, rest in options.items()]
    with_access.__signature__ = signature.replace(parameters=[*own, *added, *var])  # type: ignore[attr-defined]
    return with_access


Server = Annotated[
    str | None,
    typer.Option(
        "--server", envvar="TFSTYLE_SERVER", help="HOST:PORT or unix:PATH; without it a private server is started"
    ),
]
Weights = Annotated[
    str | None,
    typer.Option("--weights", help="VGG19 weights (Keras' HDF5 without top) for the private server"),
]
Preview = Annotated[Path | None, typer.Option("--preview", help="PNG that is rewritten as the picture grows")]
Json = Annotated[bool, typer.Option("--json", help="one JSON object a line on standard output")]
Timeout = Annotated[float | None, typer.Option("--timeout", min=0.001, help="deadline in seconds")]


@app.command()
@_with_engine_options
@_with_access
def stylize(
    content: Annotated[Path, typer.Argument(help="the photo: PNG, JPEG or WebP", show_default=False)],
    style: Annotated[Path, typer.Argument(help="the painting: PNG, JPEG or WebP", show_default=False)],
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="the PNG to write; not with --detach", show_default=False),
    ] = None,
    server: Server = None,
    access: AccessFiles,
    weights: Weights = None,
    preset: Annotated[str, typer.Option("--preset", help=f"where options start: {', '.join(PRESETS)}")] = "default",
    strength: Annotated[
        str | None,
        typer.Option("--strength", help=f"style weight by name: {', '.join(STYLE_WEIGHT_OF_STRENGTH)}"),
    ] = None,
    preview: Preview = None,
    preview_every: Annotated[
        int, typer.Option("--preview-every", help="evaluations between two previews")
    ] = PREVIEW_EVERY,
    as_json: Json = False,
    timeout: Timeout = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="only create a job on the server at --server, and print its name")
    ] = False,
    **options: Any,
) -> None:
    """Repaint CONTENT in the style of STYLE."""
    with _one_line_errors(as_json):
        if strength is not None:
            if strength not in STYLE_WEIGHT_OF_STRENGTH:
                _refuse("strength", f"must be one of {', '.join(STYLE_WEIGHT_OF_STRENGTH)}; got {strength!r}")
            if options["style_weight"] is not None:
                _refuse("strength", "is another name for --style-weight; give one of the two")
            options["style_weight"] = STYLE_WEIGHT_OF_STRENGTH[strength]
        if timeout is not None and not math.isfinite(timeout):
            _refuse("timeout", f"must be a finite number of seconds; got {timeout}")
        if preview_every < 1:
            _refuse("preview_every", f"must be 1 to 10000; got {shown(preview_every)}")
        if server is not None and (not server.isascii() or not server.strip()):
            _refuse("server", f"must be HOST:PORT or unix:PATH; got {shown(server)}")
        if weights is not None and server is not None:
            _refuse("weights", "are for a private server; the server at --server has its own")
        for layers in ("content_layers", "style_layers"):
            if options[layers] is not None:
                options[layers] = tuple(name.strip() for name in options[layers].split(","))
        if detach:
            if server is None:
                _refuse("detach", "needs a server that stays, at --server; a private one ends with the command")
            for name, given in (("output", output), ("preview", preview), ("timeout", timeout)):
                if given is not None:
                    _refuse(name, "is of no use with --detach; see tfstyle watch and tfstyle result")
        elif output is None:
            _refuse("output", "is needed: -o OUT.png")
        else:
            _check_outputs(output, preview)
        pictures = read_picture(content, "content"), read_picture(style, "style")
        if output is None:
            with Client(str(server), PATIENCE, access.load()) as client:
                job = client.create(*pictures, preset=preset, **options)
            _say_done(as_json, "created", "name", job.name)
            return
        _run(
            pictures, output, server, access.load(), weights, preset, preview, preview_every, as_json, timeout, options
        )


@app.command()
@_with_access
def demo(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="the PNG to write")] = Path("tfstyle-demo.png"),
    server: Server = None,
    access: AccessFiles,
    size: Annotated[int, typer.Option("--size", help="longer side in pixels")] = PRESETS["fast"].size,
    preview: Preview = None,
    as_json: Json = False,
) -> None:
    """Repaint the photo that ships with tfstyle like the painting that ships with it, on the network that ships."""
    with _one_line_errors(as_json):
        _check_outputs(output, preview)
        folder = files("tfstyle_client").joinpath("demo")
        pictures = folder.joinpath("landscape.jpg").read_bytes(), folder.joinpath("painting.jpg").read_bytes()
        _run(
            pictures, output, server, access.load(), None, "fast", preview, PREVIEW_EVERY, as_json, None, {"size": size}
        )


ServerOfJobs = Annotated[
    str, typer.Option("--server", envvar="TFSTYLE_SERVER", help="HOST:PORT or unix:PATH", show_default=False)
]
Name = Annotated[str, typer.Argument(help="the job's name, as --detach has printed it", show_default=False)]


@app.command()
@_with_access
def jobs(*, server: ServerOfJobs, access: AccessFiles, as_json: Json = False) -> None:
    """List the jobs of a server, the newest first."""
    with _one_line_errors(as_json), Client(server, PATIENCE, access.load()) as client:
        for job in client.jobs():
            if as_json:
                print_json("job", job_fields(job))
            else:
                typer.echo(job_line(job))


@app.command()
@_with_access
def watch(
    name: Name, *, server: ServerOfJobs, access: AccessFiles, preview: Preview = None, as_json: Json = False
) -> None:
    """Follow a job to its end, across restarts of the server. Ctrl-C leaves the job alone."""
    with _one_line_errors(as_json), Client(server, PATIENCE, access.load()) as client, display(as_json) as screen:
        for event in client.job(name).watch():
            screen.show(event)
            if isinstance(event, Progress) and event.preview and preview is not None:
                write_whole(preview, event.preview, "preview")
        if as_json:
            print_json("job", job_fields(client.job(name).status()))


@app.command()
@_with_access
def result(
    name: Name,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="the PNG to write", show_default=False)],
    server: ServerOfJobs,
    access: AccessFiles,
    as_json: Json = False,
) -> None:
    """Wait for a job's end and write its picture."""
    with _one_line_errors(as_json), Client(server, PATIENCE, access.load()) as client:
        check_writable(output, "output")
        write_whole(output, client.job(name).result().png, "output")
        _say_done(as_json, "written", "path", str(output))


@app.command()
@_with_access
def cancel(name: Name, *, server: ServerOfJobs, access: AccessFiles, as_json: Json = False) -> None:
    """Stop a job; one that has ended is left as it is."""
    with _one_line_errors(as_json), Client(server, PATIENCE, access.load()) as client:
        job = client.job(name).cancel()
        if as_json:
            print_json("job", job_fields(job))
        else:
            typer.echo(job_line(job))


@app.command()
@_with_access
def delete(name: Name, *, server: ServerOfJobs, access: AccessFiles, as_json: Json = False) -> None:
    """Forget a job that has ended, and its picture on the server."""
    with _one_line_errors(as_json), Client(server, PATIENCE, access.load()) as client:
        client.job(name).delete()
        _say_done(as_json, "deleted", "name", name)


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="the caller who gets it, and whose jobs are made with it")],
    *,
    tokens: Annotated[Path, typer.Option("--tokens", help="the server's file of tokens; made if it is not there")],
) -> None:
    """Make a token for a caller of a server, and print it; the file has only its hash."""
    with _one_line_errors(as_json=False):
        try:
            from tfstyle_server.security import SecurityError, new_token
        except ImportError as error:
            message = f"server: not installed here ({error.name}); pip install 'tfstyle[server]'"
            raise ServerUnreachableError(message, "UNAVAILABLE") from None
        try:
            typer.echo(new_token(name, tokens))
        except SecurityError as error:
            field, _, why = str(error).partition(": ")
            _refuse(field, why)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def serve(context: typer.Context) -> None:
    """Run a server; `tfstyle serve --help` lists its flags."""
    try:
        from tfstyle_server.cli import run as run_server
    except ImportError as error:
        typer.echo(f"tfstyle: server: not installed here ({error.name}); pip install 'tfstyle[server]'", err=True)
        raise typer.Exit(NO_SERVER) from None
    raise typer.Exit(run_server(context.args, "tfstyle serve"))


def _run(
    pictures: tuple[bytes, bytes],
    output: Path,
    server: str | None,
    access: Credentials,
    weights: str | None,
    preset: str,
    preview: Path | None,
    preview_every: int,
    as_json: bool,
    timeout: float | None,
    options: dict[str, Any],
) -> None:
    progress = ProgressOptions(preview_every=preview_every if preview is not None else 0)
    request = stylize_request(*pictures, preset, progress, options)
    network = options.get("network") or PRESETS[preset].network
    where: AbstractContextManager[str]
    if server is not None:
        where = nullcontext(server)
    else:
        from tfstyle_client.private_server import private_server

        where, access = private_server(weights, network), PLAINTEXT
    with display(as_json) as screen, where as target, Client(target, credentials=access) as client:
        call = client.send(request, timeout)
        try:
            for event in call:
                screen.show(event)
                if isinstance(event, Progress) and event.preview and preview is not None:
                    write_whole(preview, event.preview, "preview")
                if isinstance(event, Result):
                    write_whole(output, event.png, "output")
        finally:
            call.cancel()
    _say_done(as_json, "written", "path", str(output))


def _say_done(as_json: bool, event: str, field: str, value: str) -> None:
    if as_json:
        print_json(event, {field: value})
    else:
        typer.echo(value)


def _check_outputs(output: Path, preview: Path | None) -> None:
    check_writable(output, "output")
    if preview is not None:
        check_writable(preview, "preview")


def _refuse(field: str, why: str) -> None:
    raise BadRequestError([Violation(field, why)])


@contextmanager
def _one_line_errors(as_json: bool) -> Iterator[None]:
    """Turn every expected error into one line and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        _complain(as_json, "CANCELLED", "cancelled")
        raise typer.Exit(CANCELLED) from None
    except InvalidInputError as error:
        _complain(as_json, "INVALID_ARGUMENT", str(error))
        raise typer.Exit(BAD_INPUT) from None
    except OSError as error:  # standard output closed or full, or no second process to be had
        _complain(False, "UNKNOWN", f"the machine refuses: {error.strerror or error}")
        raise typer.Exit(FAILED) from None
    except ClientError as error:
        message = str(error).replace("options.", "").replace("progress.", "")
        _complain(as_json, error.code, message)
        raise typer.Exit(of_status(error.code)) from None


def _complain(as_json: bool, code: str, message: str) -> None:
    if as_json:
        print_json("error", {"code": code, "message": message})
    typer.echo(f"tfstyle: {' '.join(message.split())}", err=True)


def run(arguments: list[str]) -> int:
    """Run the command line and give its exit code. A wrong usage is one line, as every other error is."""
    try:
        code = app(arguments, prog_name="tfstyle", standalone_mode=False)
    except _UsageError as error:
        message = error.format_message()  # type: ignore[attr-defined]
        if not arguments:  # no arguments: Typer's message is the help
            typer.echo(message)
        else:
            _complain("--json" in arguments, "INVALID_ARGUMENT", f"{message} (see tfstyle --help)")
        return BAD_INPUT
    return code if isinstance(code, int) else 0
