"""A worker process that is taken over, or knows too much; with other programs in its place."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Server
from tfstyle_server.executors import piped_process
from tfstyle_server.executors.local import process
from tfstyle_server.executors.local.environment import worker_environment
from tfstyle_server.executors.local.messages import Ready
from tfstyle_server.executors.local.process import WorkerProcess
from tfstyle_server.executors.local.settings import worker_settings
from tfstyle_server.options import ServerOptions


def reports_of(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[object], str]:
    """What is reported of a worker that runs `program` with `pipe`, its end of the pipe, and its exit code."""
    (folder / "stand_in.py").write_text(
        "import sys\nfrom multiprocessing.connection import Connection\n"
        f"pipe = Connection(int(sys.argv[1]))\nsettings = pipe.recv()\n{program}"
    )
    monkeypatch.setattr(process, "WORKER", "stand_in")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setattr(piped_process, "EXIT_SECONDS", 1.0)
    (settings,) = worker_settings(ServerOptions(devices=("cpu",)), str(folder), str(folder), folder / "temporary")

    async def main() -> tuple[list[object], str]:
        reports: list[object] = []
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        WorkerProcess(settings, lambda _, report: reports.append(report), lambda _, code: ended.set_result(code))
        return reports, await asyncio.wait_for(ended, 30)

    return asyncio.run(main())


def test_worker_that_sends_a_pickle_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    program = f"import os, time\nclass Evil:\n  def __reduce__(self): return os.mkdir, ({str(tmp_path / 'run')!r},)\n"
    reports, code = reports_of(program + "pipe.send(Evil())\ntime.sleep(60)", tmp_path, monkeypatch)
    assert (reports, code) == ([], "exit code -9")
    assert not (tmp_path / "run").exists()
    assert "it sent bytes that are no report" in caplog.text


def test_worker_whose_child_keeps_the_pipe_ends_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import os, subprocess\n"
        "subprocess.Popen(['sleep', '20'], pass_fds=[int(sys.argv[1])], start_new_session=True)\nos._exit(7)"
    )
    began = time.monotonic()
    assert reports_of(program, tmp_path, monkeypatch) == ([], "exit code 7")
    assert time.monotonic() - began < 10


def test_what_arrived_before_the_end_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import os\nfrom tfstyle_server.executors.local.messages import CannotStart\n"
        "from tfstyle_server.executors.local.wire import encode\n"
        "for number in range(200): pipe.send_bytes(encode(CannotStart(str(number), permanent=False)))\nos._exit(0)"
    )
    reports, _ = reports_of(program, tmp_path, monkeypatch)
    assert [report.reason for report in reports] == [str(number) for number in range(200)]


def test_worker_that_sends_too_much_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MOST_BYTES", 1000)
    program = "import time\npipe.send_bytes(bytes(2000))\ntime.sleep(60)"
    assert reports_of(program, tmp_path, monkeypatch) == ([], "exit code -9")


def test_temporary_files_go_with_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import os, tempfile\nfrom tfstyle.v1.style_transfer_pb2 import Network\n"
        "from tfstyle_server.executors.local.messages import Ready\n"
        "from tfstyle_server.executors.local.wire import encode\n"
        "_, name = tempfile.mkstemp()\npipe.send_bytes(encode(Ready(Network(name=name))))\nos._exit(3)"
    )
    (report,), code = reports_of(program, tmp_path, monkeypatch)
    assert code == "exit code 3"
    assert isinstance(report, Ready)
    assert Path(report.network.name).is_relative_to(tmp_path / "temporary")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_environment_has_what_is_known_only(tmp_path: Path) -> None:
    given = {"PATH": "/bin", "LC_ALL": "C", "CUDA_HOME": "/c", "https_proxy": "p", "TFSTYLE_WEIGHTS": "w"}
    secret = {"TF_VAR_password": "s", "TF_TOKEN_app": "s", "NVIDIA_API_KEY": "s", "PYTHON_SECRET": "s"}
    secret |= {"AWS_SECRET_ACCESS_KEY": "s", "TFSTYLE_TOKENS": "s", "TFSTYLE_TLS_KEY": "s", "DATABASE_URL": "s"}
    assert worker_environment(given | secret | {"TMPDIR": "/tmp"}, tmp_path) == given | {"TMPDIR": str(tmp_path)}


def test_worker_of_a_server_has_no_secrets_and_does_not_hear_signals(
    own_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = own_server(data=tmp_path, AWS_SECRET_ACCESS_KEY="hidden", TFSTYLE_GRACE="1")
    starting = int(server.wait_for_log(r"worker (\d+) starts")[1])
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(starting, number)  # while the interpreter starts
    worker = server.worker_pid()
    assert worker == starting
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(worker, number)
    environment = Path(f"/proc/{worker}/environ").read_bytes()
    assert b"hidden" not in environment
    assert b"TFSTYLE_GRACE" not in environment
    assert f"TMPDIR={tmp_path}/temporary/".encode() in environment
    time.sleep(0.2)
    assert not [line for line in server.log if "Traceback" in line or "ended" in line]
    server.stop()
    assert list((tmp_path / "temporary").glob("*")) == []


def test_modules_in_the_current_folder_are_not_imported(tmp_path: Path) -> None:
    (tmp_path / "logging.py").write_text("raise SystemExit('taken over')")
    program = "from tfstyle_server.executors.piped_process import started; import os, sys\n"
    program += "p = started('tfstyle_server.executors.local.worker', 0, dict(os.environ)); sys.exit(p.wait())"
    ended = subprocess.run([sys.executable, "-P", "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert ("taken over" in ended.stderr, ended.returncode) == (False, 0)
