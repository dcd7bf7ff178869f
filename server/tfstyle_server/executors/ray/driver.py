"""The driver process: it connects to the cluster, starts actors, and passes on what they and the front say.

It ends when the front does. Ray then ends its actors, so that none stays behind; where this machine is lost with the
front, Ray notices that, too.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from tfstyle_server.executors.local.messages import CannotStart
from tfstyle_server.executors.local.settings import WorkerSettings
from tfstyle_server.executors.local.wire import encode
from tfstyle_server.executors.ray import frames
from tfstyle_server.executors.ray.frames import Connect, Deliver, Kill, Kind, Open, frame
from tfstyle_server.executors.ray.log_lines import ActorLines
from tfstyle_server.executors.ray.options import RayOptions
from tfstyle_server.logs import configure_logging

log = logging.getLogger("tfstyle.ray")

CONNECT_SECONDS = 60.0
"""How long connecting may take."""
LISTEN_SECONDS = 5.0
"""How long the head may take to accept a connection."""
LOOK_SECONDS = 2.0
"""The time between two looks at which nodes are drained, and which are lost."""
KILL_SECONDS = 10.0
"""How long Ray may take to end an actor, after which it counts as ended."""
WAIT_SECONDS = 60.0
"""How often an actor that has no place is mentioned in the log."""
BACKLOG = 64
"""Reports of an actor that wait to be fetched; with more, its job has to wait."""


class Front:
    """The front's end of the pipe, for all threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()

    def say(self, kind: Kind, number: int, payload: bytes | str = b"") -> None:
        """Send a message about an actor. Where the front has gone, end this process."""
        try:
            with self._sending:
                self._connection.send_bytes(frame(kind, number, payload))
        except OSError:
            os._exit(0)


class ActorHandle:
    """An actor, from its start to its end, in two threads: one fetches its reports, one passes on commands."""

    def __init__(self, number: int, settings: WorkerSettings, options: RayOptions, front: Front) -> None:
        self._number = number
        self._settings = settings
        self._options = options
        self._front = front
        self._actor: Any = None
        self._ended = threading.Event()
        self._killed = False
        self._draining = False
        self.node: str | None = None
        self._commands = ThreadPoolExecutor(1, f"commands-{number}")
        threading.Thread(target=self._live, name=f"actor-{number}", daemon=True).start()

    @property
    def has_ended(self) -> bool:
        """Whether the front knows, or is about to, that the actor has ended."""
        return self._ended.is_set()

    def command(self, command: bytes) -> None:
        """Pass on a command, if the actor has a place."""
        self._soon(self._command, command)

    def _command(self, command: bytes) -> None:
        if self._actor is not None and not self._ended.is_set():
            self._actor.command.remote(command)

    def kill(self) -> None:
        """End the actor at once."""
        self._killed = True
        self._soon(self._kill)

    def _soon(self, call: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the actor has ended, and the front does not know it yet
            self._commands.submit(call, *arguments)

    def _kill(self) -> None:
        if self._actor is not None:
            import ray

            threading.Timer(
                KILL_SECONDS, self._end, ("it was killed, and Ray does not tell that it has ended",)
            ).start()
            with suppress(Exception):
                ray.kill(self._actor)

    def drain(self) -> None:
        """The actor's node is drained."""
        if not self._draining:
            self._draining = True
            self._front.say(frames.DRAINING, self._number)

    def _live(self) -> None:
        how = "it is done"
        try:
            self._follow()
        except Exception as error:
            from tfstyle_server.executors.ray.reasons import reason

            how = "it was killed" if self._killed else reason(error)
        self._kill()
        self._end(how)

    def _end(self, how: str) -> None:
        if not self._ended.is_set():
            self._ended.set()
            self._front.say(frames.ENDED, self._number, how)
            self._commands.shutdown(wait=False)

    def _follow(self) -> None:
        import ray

        from tfstyle_server.executors.ray.actor import StyleActor
        from tfstyle_server.executors.ray.demand import demand, threads_of
        from tfstyle_server.executors.ray.placement import Together
        from tfstyle_server.executors.ray.shared import announce

        needs = demand(self._options, self._settings)
        actors: Any = StyleActor
        self._actor = actors.options(max_restarts=0, **needs).remote()
        if self._killed:
            return
        asked = self._actor.position.remote()
        while not ray.wait([asked], timeout=WAIT_SECONDS)[0]:
            log.info("actor-%d waits for a node with %s", self._number, needs)
        position = ray.get(asked)
        self.node = position.node
        self._front.say(frames.PLACED, self._number, f"on {position.address}, process {position.pid}")
        announce(self._settings)
        together = Together(self._options.spread, self._options.spread_windows, needs)
        reports = self._actor.serve.options(
            num_returns="streaming", _generator_backpressure_num_objects=BACKLOG
        ).remote(self._settings, threads_of(needs), together)
        for report in reports:
            self._front.say(frames.REPORT, self._number, ray.get(report))


def main(pipe: int) -> None:
    """Serve the front at the other end of the open file `pipe` until it closes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})  # as the process was started
    os.set_inheritable(pipe, False)
    connection = Connection(pipe)
    try:
        connect: Connect = connection.recv()
        configure_logging(connect.log_format)
        os.dup2(2, 1)  # what an actor prints is log
        sys.stdout = sys.stderr = ActorLines(sys.stderr, connect.log_format)
        os.chdir("/")  # or else actors would look for modules in the current folder
        _serve(connection, connect)
    except (EOFError, OSError):
        log.info("the server has gone; ending")
    os._exit(0)  # Ray's own farewell may wait for a cluster that is gone


def _serve(connection: Connection, connect: Connect) -> None:
    front = Front(connection)
    reason = _connect(connect.options)
    actors: dict[int, ActorHandle] = {}
    if reason is None:
        threading.Thread(target=_watch_nodes, args=(actors,), name="nodes", daemon=True).start()
    while True:
        match connection.recv():
            case Open(number, _) if reason is not None:
                front.say(frames.REPORT, number, encode(CannotStart(reason, permanent=True)))
                front.say(frames.ENDED, number, reason)
                return
            case Open(number, settings):
                for ended in [each for each, actor in actors.items() if actor.has_ended]:
                    del actors[ended]
                actors[number] = ActorHandle(number, settings, connect.options, front)
            case Deliver(number, command) if number in actors:
                actors[number].command(command)
            case Kill(number) if number in actors:
                actors[number].kill()


def _connect(options: RayOptions) -> str | None:
    """Connect to the cluster. Returns None, or why that is impossible."""
    where = "on this machine" if options.address == "auto" else f"at {options.address}"
    if options.address != "auto" and (why := _why_nobody_listens(options.address)):
        return f"ray-address: no Ray cluster can be reached {where}: {why}"
    late = threading.Timer(CONNECT_SECONDS, _give_up, (where,))
    late.daemon = True
    late.start()
    if options.address.startswith(("127.", "localhost:")):
        # Ray takes this machine's outer address in place of a loopback one, unless it is told to form no cluster with
        # other machines; this is the name under which it can be told.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    try:
        import ray

        ray.init(address=options.address, namespace="tfstyle", logging_level=logging.WARNING, log_to_driver=True)
        for number in (signal.SIGINT, signal.SIGTERM):  # Ray has set its own
            signal.signal(number, signal.SIG_IGN)
    except ImportError as error:
        return f"executor: Ray cannot be imported ({error}); pip install 'tfstyle[ray]'"
    except Exception as error:
        return f"ray-address: no Ray cluster can be reached {where}: {' '.join(str(error).split())[:300]}"
    finally:
        late.cancel()
    return None


def _why_nobody_listens(address: str) -> str | None:
    """Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), LISTEN_SECONDS).close()
    except (OSError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None


def _give_up(where: str) -> None:
    log.error("no Ray cluster can be reached %s within %.0f s", where, CONNECT_SECONDS)
    os._exit(1)


def _watch_nodes(actors: dict[int, ActorHandle]) -> None:
    """Tell actors whose nodes are drained, and end where this machine's node is lost: Ray would start none any more."""
    import ray
    from ray._private.state import state

    from tfstyle_server.executors.ray.reasons import one_line

    own = ray.get_runtime_context().get_node_id()
    while True:
        time.sleep(LOOK_SECONDS)
        try:
            draining = set(state.get_draining_nodes())
            dead = {node["NodeID"] for node in ray.nodes() if not node["Alive"]}
        except Exception as error:
            log.warning("the cluster cannot be asked about its nodes: %s", one_line(error))
            continue
        if own in dead:
            log.error("this machine's node of the Ray cluster is lost")
            os._exit(1)
        for actor in list(actors.values()):
            if actor.node in draining:
                actor.drain()


if __name__ == "__main__":
    main(int(sys.argv[1]))
