"""Certificates and keys: files that cannot be used, and their renewal while the server serves."""

from __future__ import annotations

import shutil
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from conftest import Server, make_certificates, openssl
from tfstyle_client import Client, ClientError, Credentials
from tfstyle_server.security import SecurityOptions, credentials
from tfstyle_server.tokens import SecurityError


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `certificates`, of another authority."""
    return make_certificates(tmp_path_factory.mktemp("others"), "another authority")


def serve(start: Callable[..., Server], folder: Path, *flags: str) -> tuple[Server, str]:
    """A server with the certificate in `folder`, and its address."""
    pair = ("--tls-certificate", str(folder / "server.pem"), "--tls-key", str(folder / "server.key"))
    server = start(*pair, *flags)
    return server, server.address.replace("127.0.0.1", "localhost")


def renew(folder: Path, source: Path, *names: str) -> None:
    """Replace the files `names` in `folder`, each in one step as tools that renew certificates do."""
    for name in names:
        shutil.copy(source / name, folder / "draft")
        (folder / "draft").replace(folder / name)


def presented(address: str) -> str:
    host, _, port = address.rpartition(":")
    return ssl.get_server_certificate((host, int(port)))


def test_renewal_under_load(
    own_server: Callable[..., Server], certificates: Path, others: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(certificates, tmp_path / "in use"))
    server, address = serve(own_server, folder)
    roots = b"".join((each / "ca.pem").read_bytes() for each in (certificates, others))
    stop, failures, calls = threading.Event(), [], [0]

    def load() -> None:
        while not stop.is_set():
            own = [("grpc.use_local_subchannel_pool", 1)]  # so that each call makes its own handshake
            with grpc.secure_channel(address, grpc.ssl_channel_credentials(roots), own) as channel:
                try:
                    health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
                except grpc.RpcError as error:
                    failures.append(error)
            calls[0] += 1

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    with grpc.secure_channel(address, grpc.ssl_channel_credentials(roots)) as before:
        assert health_pb2_grpc.HealthStub(before).Check(health_pb2.HealthCheckRequest()).status
        renew(folder, others, "server.pem")
        assert presented(address) == (certificates / "server.pem").read_text(), "until its key is there too"
        renew(folder, others, "server.key")
        assert presented(address) == (others / "server.pem").read_text()
        made = calls[0]
        deadline = time.monotonic() + 30
        while calls[0] < made + 20 and time.monotonic() < deadline:
            time.sleep(0.05)
        stop.set()
        for thread in threads:
            thread.join()
        assert health_pb2_grpc.HealthStub(before).Check(health_pb2.HealthCheckRequest()).status, "connections stay"
    assert failures == []
    server.wait_for_log("the certificates were renewed")
    mismatches = [line for line in server.log if "the former certificates stay in use: tls_key" in line]
    assert len(mismatches) == 1, "once, however many handshakes there were meanwhile"


def test_renewed_authority_of_clients(
    own_server: Callable[..., Server], certificates: Path, others: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(certificates, tmp_path / "in use"))
    _, address = serve(own_server, folder, "--tls-client-ca", str(folder / "ca.pem"))

    root = (certificates / "ca.pem").read_bytes()

    def lists_jobs(source: Path) -> bool:
        certificate, key = ((source / name).read_bytes() for name in ("client.pem", "client.key"))
        own = Credentials(tls=True, root_certificates=root, certificate=certificate, key=key)
        with Client(address, patience=1, credentials=own) as client:
            try:
                return list(client.jobs()) == []
            except ClientError:
                return False

    assert (lists_jobs(certificates), lists_jobs(others)) == (True, False)
    renew(folder, others, "ca.pem")
    assert (lists_jobs(certificates), lists_jobs(others)) == (False, True)


@pytest.mark.parametrize(
    ("certificate", "key", "authority", "says"),
    [
        ("junk", "server.key", None, r"tls_certificate: \S+/junk has no certificate in PEM format"),
        ("server.key", "server.key", None, r"tls_certificate: \S+/server\.key has no certificate in PEM format"),
        ("server.pem", "junk", None, r"tls_key: \S+/junk has no private key in PEM format"),
        ("server.pem", "locked.key", None, r"tls_key: \S+/locked\.key has no private key .* or one with a password"),
        ("server.pem", "client.key", None, r"tls_key: \S+/client.key is not the key of the certificate in \S+/server"),
        ("server.pem", "server.key", "junk", r"tls_client_ca: \S+/junk has no certificate in PEM format"),
    ],
)
def test_files_that_cannot_be_used_are_named(
    certificates: Path, certificate: str, key: str, authority: str | None, says: str
) -> None:
    (certificates / "junk").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    openssl(
        "pkey", "-in", certificates / "server.key", "-aes128", "-passout", "pass:x", "-out", certificates / "locked.key"
    )
    options = SecurityOptions(certificates / certificate, certificates / key, authority and certificates / authority)
    with pytest.raises(SecurityError, match=says):
        credentials(options)
