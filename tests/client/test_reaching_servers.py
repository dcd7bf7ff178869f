"""What is said, and how soon, where a server cannot be reached: real sockets, real certificates, real processes."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client import BadRequestError, Client, ClientError, Credentials, ServerUnreachableError
from tfstyle_client.target import Target, parse_target

AT_ONCE = 3.0


def tfstyle(*arguments: object, **environment: str) -> tuple[int, str, float]:
    """(exit code, standard error, seconds) of the command line."""
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "tfstyle_client", *map(str, arguments)],
        capture_output=True, text=True, timeout=60, env={**os.environ, **environment},
    )  # fmt: skip
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr, time.monotonic() - began


class Jobs(style_transfer_pb2_grpc.StyleTransferServicer):
    """A server that has no jobs, and remembers what its callers send."""

    def __init__(self) -> None:
        self.authorizations: list[str | None] = []

    def ListJobs(self, request: pb.ListJobsRequest, context: grpc.ServicerContext) -> pb.ListJobsResponse:
        self.authorizations.append(dict(context.invocation_metadata()).get("authorization"))
        return pb.ListJobsResponse()


@contextmanager
def serving(credentials: grpc.ServerCredentials | None = None, address: str = "127.0.0.1:0") -> Iterator[tuple]:
    """(port, the servicer) of a gRPC server."""
    server = grpc.server(futures.ThreadPoolExecutor(2))
    servicer = Jobs()
    style_transfer_pb2_grpc.add_StyleTransferServicer_to_server(servicer, server)
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    yield port, servicer
    server.stop(None)


@dataclass(frozen=True)
class Certificates:
    folder: Path

    def credentials(self, clients: bool = False) -> grpc.ServerCredentials:
        key, certificate, ca = ((self.folder / name).read_bytes() for name in ("server.key", "server.pem", "ca.pem"))
        return grpc.ssl_server_credentials([(key, certificate)], ca if clients else None, clients)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority, another one, and a certificate of the first for the name localhost alone."""
    folder = tmp_path_factory.mktemp("certificates")
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]

    def make(name: str, *more: object) -> None:
        subject = ["-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"]
        subprocess.run(["openssl", "req", "-x509", *new, *map(str, [*subject, *more])], check=True, capture_output=True)

    make("ca")
    make("other")
    signed = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key")
    make("server", *signed, "-addext", "subjectAltName=DNS:localhost")
    return Certificates(folder)


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("localhost:50051", Target("localhost", 50051)),
        ("[::1]:1", Target("::1", 1)),
        ("127.1:1", Target("127.0.0.1", 1)),
        ("dns:///example.org:443", Target("example.org", 443)),
        ("ipv4:10.0.0.1:5", Target("10.0.0.1", 5)),
        ("unix:/run/socket", Target(path="/run/socket")),
        ("unix:///run/socket", Target(path="/run/socket")),
        ("unix:socket", Target(path="socket")),
    ],
)
def test_addresses_are_parsed(address: str, target: Target) -> None:
    assert parse_target(address) == target
    assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    ("target", "local"),
    [
        ("localhost:1", True), ("127.8.8.8:1", True), ("[::1]:1", True), ("unix:/x", True),
        ("LOCALHOST:1", True), ("localhost.:1", True), ("a.localhost:1", True), ("ip6-localhost:1", True),
        ("0.0.0.0:1", True), ("[::]:1", True), ("127.1:1", True), ("[::ffff:127.0.0.1]:1", True),
        ("10.1:1", False), ("notlocalhost:1", False), ("[::ffff:10.0.0.1]:1", False),
        ("10.0.0.1:1", False), ("example.org:1", False), ("localhost.example.org:1", False),
    ],
)  # fmt: skip
def test_what_is_local(target: str, local: bool) -> None:
    assert parse_target(target).is_local == local


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "server: is empty; give HOST:PORT"),
        (" ", "server: is empty"),
        ("example.org", "server: has no port; give HOST:PORT, such as example.org:50051"),
        ("example.org:", "server: has no port; give HOST:PORT, such as example.org:50051"),
        (":50051", "server: has no host"),
        ("http://example.org:50051", "server: must not begin with http://; write 'example.org:50051'"),
        ("https://example.org:50051/", "server: must not begin with https://; write 'example.org:50051' and --tls"),
        ("example.org:http", "server: must have a port of 1 to 65535"),
        ("example.org:70000", "server: must have a port of 1 to 65535"),
        ("::1", "server: must be HOST:PORT, with an IPv6 address in brackets"),
        ("münchen.example:1", "server: must be HOST:PORT or unix:PATH, in ASCII"),
        ("a b:1", "server: must be HOST:PORT or unix:PATH"),
        ("unix:", "server: has no path after unix:"),
        ("unix://relative", "server: must be unix:PATH or unix:///PATH"),
        ("unix:/" + "x" * 200, "server: has a socket path of more than 107 bytes"),
    ],
)
def test_what_is_no_address_is_refused_before_any_call(address: str, says: str) -> None:
    with pytest.raises(BadRequestError, match=re.escape(says)):
        Client(address)


@pytest.mark.parametrize("command", [["jobs"], ["stylize", __file__, __file__, "-o", "/tmp/never.png"]])
@pytest.mark.parametrize("address", ["", "http://localhost:1", "localhost"])
def test_bad_address_on_the_command_line_is_told_at_once(command: list[str], address: str) -> None:
    code, errors, seconds = tfstyle(*command, "--server", address)
    assert (code, errors.count("\n")) == (2, 1)
    assert errors.startswith("tfstyle: server: ")
    assert seconds < AT_ONCE


def test_unknown_host_is_told_at_once() -> None:
    code, errors, _ = tfstyle("jobs", "--server", "no-such-host.invalid:50051")
    assert (code, errors.count("\n")) == (3, 1)
    assert "cannot connect to no-such-host.invalid:50051: the host no-such-host.invalid is unknown" in errors


@pytest.mark.parametrize("host", [".", "a..b", "a" * 64, "a." + "b" * 64])
def test_host_that_is_no_valid_name(host: str) -> None:
    code, errors, _ = tfstyle("jobs", "--server", f"{host}:50999")
    assert (code, errors.count("\n")) == (3, 1)
    assert "is not a valid name; check the address" in errors


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def test_commands_about_jobs_wait_for_a_server_that_restarts_and_say_so() -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tfstyle_client", "jobs", "--server", f"127.0.0.1:{port}"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    began = time.monotonic()
    line = process.stderr.readline()
    assert time.monotonic() - began < AT_ONCE
    assert line == (
        f"tfstyle: waiting for 127.0.0.1:{port}, for up to 30 s: connection refused; "
        f"check that the server is running and listens on port {port}\n"
    )
    with serving(address=f"127.0.0.1:{port}"):
        assert process.wait(20) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


@pytest.mark.parametrize("command", [["estimate"], ["batch", "--dry-run", "-o", "out", "--style"]])
def test_commands_that_estimate_say_what_they_wait_for(
    command: list[str], landscape: bytes, painting: bytes, tmp_path: Path
) -> None:
    name, *flags = command
    for picture, data in (("a.jpg", landscape), ("b.jpg", painting)):
        (tmp_path / picture).write_bytes(data)
    arguments = [name, "a.jpg", *flags, "b.jpg", "--server", f"127.0.0.1:{free_port()}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tfstyle_client", *arguments], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    process.kill()
    process.wait()
    process.stderr.close()
    assert line.startswith("tfstyle: waiting for 127.0.0.1:")
    assert ", for up to 30 s: connection refused; " in line


def test_socket_that_is_not_there(tmp_path: Path) -> None:
    with Client(f"unix:{tmp_path}/socket", patience=0) as client, pytest.raises(ServerUnreachableError) as caught:
        client.job("jobs/1").status()
    assert f"there is no socket {tmp_path}/socket; check that the server is running" in str(caught.value)


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "grpc_proxy"])
def test_loopback_and_sockets_never_go_through_a_proxy(variable: str, tmp_path: Path) -> None:
    proxy = {variable: f"http://127.0.0.1:{free_port()}"}
    with serving() as (port, _):
        assert tfstyle("jobs", "--server", f"127.0.0.1:{port}", **proxy)[:2] == (0, "")
        for host in ("localhost", "LOCALHOST", "0.0.0.0", "127.1"):
            assert tfstyle("jobs", "--server", f"{host}:{port}", **proxy)[:2] == (0, "")
    with serving(address=f"unix:{tmp_path}/socket"):
        assert tfstyle("jobs", "--server", f"unix:{tmp_path}/socket", **proxy)[:2] == (0, "")


def test_proxy_that_does_not_connect_is_named() -> None:
    proxy = f"http://127.0.0.1:{free_port()}"
    code, errors, seconds = tfstyle(
        "stylize", __file__, __file__, "-o", "/tmp/never.png", "--server", "192.0.2.1:50051", http_proxy=proxy
    )
    assert code == 3
    assert "the proxy in the environment variable http_proxy does not connect" in errors
    assert seconds < AT_ONCE


Access = Callable[[Certificates], Credentials]


def trusting(name: str) -> Access:
    return lambda made: Credentials(tls=True, root_certificates=(made.folder / name).read_bytes())


@pytest.mark.parametrize(
    ("server_has", "host", "access", "says"),
    [
        ("tls", "localhost", lambda _: Credentials(), "the server uses TLS; add --tls"),
        ("nothing", "localhost", trusting("ca.pem"), "the server does not use TLS; leave out --tls"),
        ("tls", "localhost", trusting("other.pem"), "the server's certificate is not trusted (unable to get local"),
        ("tls", "localhost", lambda _: Credentials(tls=True), "give the certificate of its authority with --tls-ca"),
        ("tls", "127.0.0.1", trusting("ca.pem"), "certificate is not valid for 127.0.0.1; it is valid for localhost;"),
        ("client", "localhost", trusting("ca.pem"), "the server requires a client certificate; give --tls-certificate"),
        ("client", "localhost", lambda _: Credentials(), "the server uses TLS; add --tls"),
    ],
)
def test_tls_faults_are_named_at_once(
    certificates: Certificates, server_has: str, host: str, access: Access, says: str
) -> None:
    credentials = None if server_has == "nothing" else certificates.credentials(clients=server_has == "client")
    with serving(credentials) as (port, _):
        began = time.monotonic()
        with Client(f"{host}:{port}", patience=30, credentials=access(certificates)) as client:
            with pytest.raises(ServerUnreachableError) as caught:
                list(client.jobs())
            with pytest.raises(ServerUnreachableError):
                client.stylize(b"x", b"y").result()
        assert says in str(caught.value)
        assert time.monotonic() - began < 2 * AT_ONCE


def test_right_certificates_connect(certificates: Certificates) -> None:
    access = trusting("ca.pem")(certificates)
    with serving(certificates.credentials()) as (port, _), Client(f"localhost:{port}", credentials=access) as client:
        assert list(client.jobs()) == []


def test_what_listens_is_no_grpc_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(100)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        with Client(address) as client, pytest.raises(ServerUnreachableError, match="is not a gRPC server"):
            client.stylize(b"x", b"y").result()
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "data", [b"secret\n", b"\xef\xbb\xbfsecret\r\n", "secret".encode("utf-16"), b"  secret  "]
)  # fmt: skip
def test_token_files_as_editors_save_them(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(data)
    with serving() as (port, servicer):
        code, errors, _ = tfstyle("jobs", "--server", f"127.0.0.1:{port}", "--token-file", tmp_path / "token")
        assert (code, errors) == (0, "")
        assert servicer.authorizations == ["Bearer secret"]


@pytest.mark.parametrize("data", ["schlüssel".encode(), b"two words", b"", b"\xff\x00\x01", b"a\x07b"])
def test_token_files_that_hold_no_token_are_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(data)
    code, errors, _ = tfstyle("jobs", "--server", "127.0.0.1:1", "--token-file", tmp_path / "token")
    assert (code, errors.count("\n")) == (2, 1)
    assert errors.startswith(f"tfstyle: token-file: {tmp_path / 'token'} ")


def test_token_that_no_header_can_carry_is_refused() -> None:
    for token in ("schlüssel", "a\nb", ""):
        with pytest.raises(BadRequestError, match="token: must be printable ASCII"):
            Client("localhost:1", credentials=Credentials(token=token))


def test_certificate_files_that_are_none_are_refused() -> None:
    with pytest.raises(BadRequestError, match="tls_ca: is not a certificate in PEM format"):
        Client("localhost:1", credentials=Credentials(tls=True, root_certificates=b"nonsense"))


def test_damaged_authority_is_refused_before_connecting(certificates: Certificates) -> None:
    lines = (certificates.folder / "ca.pem").read_bytes().splitlines(keepends=True)
    damaged = b"".join([*lines[:2], *lines[3:]])
    with pytest.raises(BadRequestError, match="tls_ca: is a damaged certificate"):
        Client("localhost:1", credentials=Credentials(tls=True, root_certificates=damaged))
    commented = "Zertifizierungsstelle für Prüfungen\n".encode() + b"".join(lines)
    Client("localhost:1", credentials=Credentials(tls=True, root_certificates=commented)).close()


def test_key_of_another_certificate_is_refused_before_connecting(certificates: Certificates) -> None:
    folder = certificates.folder
    command = ["jobs", "--server", "localhost:1", "--tls-certificate", folder / "server.pem", "--tls-key"]
    code, errors, _ = tfstyle(*command, folder / "other.key")
    assert (code, errors) == (
        2, "tfstyle: tls-key: does not belong to the certificate; give the key it was made with\n",
    )  # fmt: skip
    code, errors, _ = tfstyle(*command, folder / "server.pem")
    assert (code, errors) == (2, "tfstyle: tls-key: is not a private key in PEM format, or is damaged\n")
    encrypt = ["openssl", "pkey", "-in", folder / "server.key", "-aes256", "-passout", "pass:secret", "-out"]
    subprocess.run([*encrypt, folder / "locked.key"], check=True, capture_output=True)
    code, errors, _ = tfstyle(*command, folder / "locked.key")
    assert (code, errors) == (2, "tfstyle: tls-key: is encrypted with a passphrase; give a key that is not\n")


def test_grpc_writes_no_lines_of_its_own(certificates: Certificates) -> None:
    with serving(certificates.credentials()) as (port, _):
        code, errors, _ = tfstyle("jobs", "--server", f"localhost:{port}", "--tls")
    assert (code, errors.count("\n")) == (3, 1)
    assert errors.startswith("tfstyle: server: cannot connect")


class Refusing(Jobs):
    def ListJobs(self, request: pb.ListJobsRequest, context: grpc.ServicerContext) -> pb.ListJobsResponse:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is unknown")
        raise AssertionError


def test_command_line_says_how_to_give_a_token() -> None:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    style_transfer_pb2_grpc.add_StyleTransferServicer_to_server(Refusing(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    code, errors, _ = tfstyle("jobs", "--server", f"127.0.0.1:{port}")
    server.stop(None)
    assert code == 2
    assert errors == (
        "tfstyle: token-file: the server refuses the call: the token is unknown "
        "(give a file with a valid token: --token-file)\n"
    )


def test_asyncio_client_sends_the_token_too() -> None:
    import asyncio

    from tfstyle_client import AsyncClient

    async def ask(port: int) -> None:
        async with AsyncClient(f"127.0.0.1:{port}", credentials=Credentials(token="secret")) as client:
            assert [job async for job in client.jobs()] == []
            with pytest.raises(ClientError, match="UNIMPLEMENTED"):
                await client.stylize(b"x", b"y").result()

    with serving() as (port, servicer):
        asyncio.run(ask(port))
        assert servicer.authorizations == ["Bearer secret"]
