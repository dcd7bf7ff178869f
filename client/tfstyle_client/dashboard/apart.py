"""Programs of their own for what strangers send: fonts and pictures are read where nothing else can be harmed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import tfstyle
import tfstyle_client

_ISOLATED = ("-I",)
"""Nothing but what is installed: no variables of the environment, and no modules of the current folder."""
_WITH_TFSTYLE = ("-P", "-s")
"""As -I, but with PYTHONPATH, which has nothing but the folders that this program's own tfstyle comes from."""
_ROOTS = tuple(str(Path(str(module.__file__)).parents[1]) for module in (tfstyle, tfstyle_client))


class TooSlowError(Exception):
    """A program had not ended in time, and was killed."""


async def run_apart(program: Path, arguments: tuple[str, ...], data: bytes, seconds: float, *, tfstyle: bool) -> bytes:
    """What `program` writes on standard output for `data` on standard input, whatever its exit code is.

    It has none of our environment. `tfstyle` says whether it imports the same tfstyle as this program does; without, it
    imports installed packages only. Raises `TooSlowError`.
    """
    environment = {"PATH": os.environ.get("PATH", "")}
    if tfstyle:
        environment["PYTHONPATH"] = os.pathsep.join(_ROOTS)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *(_WITH_TFSTYLE if tfstyle else _ISOLATED), str(program), *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate(data)
    except TimeoutError:
        raise TooSlowError from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output
