"""The commands, and how each ends: an exit code, and one line on standard error for an error.

A command's module, and gRPC with it, is imported when the command is used: `tfstyle --help` needs neither.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.completion import ShellDetectionError, detect_shell
from cyclopts.exceptions import CycloptsError

from tfstyle import __version__
from tfstyle.errors import TfstyleError
from tfstyle.rules import shown
from tfstyle_client.exit_codes import (
    BAD_INPUT,
    BROKEN_PIPE,
    CANCELLED,
    DONE,
    FAILED,
    NO_SERVER,
    SUMMARY,
    of_status,
)
from tfstyle_client.json_lines import print_json
from tfstyle_client.usage_errors import as_typed, usage_message

COMMANDS = {
    "stylize:stylize": "Repaint CONTENT in the style of STYLE, or of several.",
    "texture:texture": "Paint a texture in the style of STYLE, or of several, without a photo.",
    "redo:redo": "Repeat RESULT, a picture that tfstyle has made, to the bit, or with changes.",
    "demo:demo": "Repaint the photo that comes with tfstyle in the style of the painting that comes with it.",
    "letter:letter": "Paint the letters of TEXT in the style of STYLE, and the ground, if wanted, in that of STYLE2.",
    "batch:batch": "Repaint many photos, each in the style of every STYLE. A second run makes what is missing.",
    "video:video": "Repaint a film in the style of STYLE, or of several, without flicker. A second run goes on where"
    " one ended.",
    "compare:compare": "Make a labelled sheet of one photo with every combination of STYLE and of options with several"
    " values.",
    "estimate:estimate": "Tell the time and the memory that a picture would take, without making it.",
    "jobs:jobs": "List the jobs on a server, the newest first.",
    "jobs:watch": "Show a job's progress until it ends, across restarts of the server. Ctrl-C leaves the job alone.",
    "jobs:result": "Wait until a job has ended, and write its picture.",
    "jobs:cancel": "Cancel a job; one that has ended stays as it is.",
    "jobs:delete": "Delete a job that has ended, and its picture on the server.",
    "info:info": "Show how the picture RESULT was made; without it, what a server is, does, and accepts.",
    "dashboard:dashboard": "Serve a page that shows the jobs of a server, and makes new ones.",
    "networks:networks": "List the networks on this machine, or get VGG19.",
    "token:token": "Make a token for a caller of a server, and print it; the server's file keeps only its hash.",
}
"""{module:command: help}, in the order of the help. The texts stand here because the modules are imported late."""

USAGES = {
    "stylize": "Usage: tfstyle stylize [OPTIONS] CONTENT STYLE [STYLE ...]",
    "video": "Usage: tfstyle video [OPTIONS] CONTENT STYLE [STYLE ...] -o OUTPUT",
    "letter": "Usage: tfstyle letter [OPTIONS] TEXT STYLE [STYLE2]",
}
"""Of commands that take several files, for which cyclopts has only a general word."""

_PATHS = [
    (r"(?<![\w/])transfer\.", ""),
    (r"(?<![\w/])(?:options|progress)\.", ""),
    (r"\binputs\.styles\[0\]\.picture\b", "style"),
    (r"\binputs\.styles\[0\]\.", "style."),
    (r"\binputs\.styles\[(\d+)\]\.picture\b", r"styles[\1]"),
    (r"\binputs\.", ""),
    (r"\bstyle_parts\[", "styles["),
    (r"\bstart_picture\b", "start"),
]
"""[path in a request, name on the command line]."""
_PARTS = [
    (r"\bstyles?(?:\[\d\])?\.(mask|region)\b", r"\1"),
    (r"\bstyles?(?:\[\d\])?\.regions\b", "style-regions"),
    (r"\bstyles?(?:\[\d\])?\.weight\b", "blend"),
]
"""[what belongs to a style, the option for it]; `redo` names pictures as their record does."""

app = App(
    name="tfstyle",
    help="Repaint a photo in the style of a painting.",
    help_format="plaintext",
    help_epilogue=SUMMARY,
    version=__version__,
    version_flags=["--version"],
    default_parameter=Parameter(negative="", allow_repeating=True, show_default=False, show_choices=False),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
for _place, (_path, _help) in enumerate(COMMANDS.items()):
    _name = _path.partition(":")[2]
    _usage = {"usage": USAGES[_name]} if _name in USAGES else {}
    app.command(f"tfstyle_client.cli.{_path}", name=_name, help=_help, sort_key=_place, **_usage)
app.register_install_completion_command(help="Install completion for the shell in use: bash, zsh or fish.")


@app.command(sort_key=len(COMMANDS), help_flags=[], version_flags=[])
def serve(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]) -> int:
    """Run a server; `tfstyle serve --help` lists its flags."""
    # As in `tfstyle-server`: until the server takes over, Ctrl-C ends the process at once and in silence.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Keras would take it for the engine's backend, which is TensorFlow.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        from tfstyle_server.cli import run as run_server
    except ImportError as error:
        complain(f"server: not installed here ({error.name}); pip install 'tfstyle[server]'")
        return NO_SERVER
    return run_server(list(arguments), "tfstyle serve")


def run(arguments: list[str]) -> int:
    """Run the command line, and return its exit code."""
    _open_closed_streams()
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read standard output has seen enough, as `head` has
        _discard_output()
        return BROKEN_PIPE
    except OSError as error:  # standard output is full, or no second process can be started
        _discard_output()
        complain(f"the operating system refuses: {error.strerror or shown(str(error))}")
        return FAILED
    return code


def _run(arguments: list[str]) -> int:
    if not arguments:
        app(["--help"])
        return BAD_INPUT
    for name in [name for name, value in os.environ.items() if name.startswith("TFSTYLE_") and not value]:
        del os.environ[name]  # an empty variable counts as one that is not set
    if arguments[0] != "serve":  # gRPC's own lines would stand beside the one line that tells an error
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    as_json = "--json" in arguments
    try:
        if arguments[0] == "--install-completion" and not any(word.startswith("--shell") for word in arguments):
            detect_shell()
        result = app(arguments, exit_on_error=False, print_error=False, verbose=False)
        return result if isinstance(result, int) else DONE
    except CycloptsError as error:
        complain(as_typed(usage_message(error, commands=app)), as_json, "INVALID_ARGUMENT")
        return BAD_INPUT
    except KeyboardInterrupt:
        complain("cancelled", as_json, "CANCELLED")
        return CANCELLED
    except TfstyleError as error:
        code = getattr(error, "code", "INVALID_ARGUMENT")
        message = _plain_paths(str(error)) if arguments[0] == "redo" else plain_fields(str(error))
        if code == "UNAUTHENTICATED":
            message = (
                f"token-file: the server refuses the call: {message} (give a file with a valid token: --token-file)"
            )
        complain(message, as_json, code)
        return of_status(code)
    except ShellDetectionError:
        complain("install-completion: the shell in use is unknown; give --shell bash, zsh or fish")
        return BAD_INPUT


def _open_closed_streams() -> None:
    """Let what is written to a stream that was closed from the start go nowhere.

    `sys.__stdout__` remains None, so that a command whose only result would be lost can refuse to begin.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open until the end


def _discard_output() -> None:
    """Keep the interpreter from writing again, at its end, what could not be written."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(message: str, as_json: bool = False, code: str = "UNKNOWN") -> None:
    """Tell an error in one line on standard error, and as a JSON object on standard output where that is wanted."""
    if as_json:
        print_json("error", {"code": code, "message": message})
    sys.stderr.write(f"tfstyle: {' '.join(message.split())}\n")


def plain_fields(message: str) -> str:
    """`message` with the fields named as the command line does, not by their paths in a request."""
    return _renamed(_plain_paths(message), _PARTS)


def _plain_paths(message: str) -> str:
    """The same, with what belongs to a style named as in a record of how a picture was made."""
    return as_typed(_renamed(message, _PATHS))


def _renamed(message: str, names: Iterable[tuple[str, str]]) -> str:
    for path, name in names:
        message = re.sub(path, name, message)
    return message
