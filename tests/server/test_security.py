"""Who may call: TLS, client certificates, tokens, against a real server; every method for every kind of caller."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from conftest import Server
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client import BadRequestError, Client, ClientError, Credentials, JobNotFoundError
from tfstyle_client.exit_codes import BAD_INPUT
from tfstyle_server.security import Gate, SecurityOptions, check_binding
from tfstyle_server.tokens import SecurityError

Methods = dict[str, Callable[[style_transfer_pb2_grpc.StyleTransferStub, str, tuple], object]]


def small(content: bytes, style: bytes) -> pb.StylizeRequest:
    return pb.StylizeRequest(content=content, style=style, options=pb.TransferOptions(size=48, max_evaluations=1))


PHOTO = f"images/{hashlib.sha256(files('tfstyle_client').joinpath('demo/landscape.jpg').read_bytes()).hexdigest()}"
"""The content of ann's job."""
METHODS: Methods = {
    "Stylize": lambda stub, _, meta: list(stub.Stylize(pb.StylizeRequest(), metadata=meta)),
    "CreateJob": lambda stub, _, meta: stub.CreateJob(pb.CreateJobRequest(), metadata=meta),
    "GetJob": lambda stub, job, meta: stub.GetJob(pb.GetJobRequest(name=job), metadata=meta),
    "ListJobs": lambda stub, _, meta: stub.ListJobs(pb.ListJobsRequest(), metadata=meta),
    "CancelJob": lambda stub, job, meta: stub.CancelJob(pb.CancelJobRequest(name=job), metadata=meta),
    "WatchJob": lambda stub, job, meta: list(stub.WatchJob(pb.WatchJobRequest(name=job), metadata=meta)),
    "ReadResult": lambda stub, job, meta: list(stub.ReadResult(pb.ReadResultRequest(name=job), metadata=meta)),
    "UploadImage": lambda stub, _, meta: stub.UploadImage(iter([]), metadata=meta),
    "ReadImage": lambda stub, _, meta: list(stub.ReadImage(pb.ReadImageRequest(name=PHOTO), metadata=meta)),
    "WatchJobs": lambda stub, _, meta: next(stub.WatchJobs(pb.WatchJobsRequest(), metadata=meta)),
    "EstimateTransfer": lambda stub, _, meta: stub.EstimateTransfer(pb.EstimateTransferRequest(), metadata=meta),
    "GetServerInfo": lambda stub, _, meta: stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=meta),
    "DeleteJob": lambda stub, job, meta: stub.DeleteJob(pb.DeleteJobRequest(name=job), metadata=meta),
}
OF_A_JOB = ("GetJob", "CancelJob", "WatchJob", "ReadResult", "ReadImage", "DeleteJob")
WITHOUT_INPUT = ("Stylize", "CreateJob", "UploadImage", "EstimateTransfer")


@pytest.fixture(scope="module")
def job(guarded: Server, tokens: dict[str, str], landscape: bytes, painting: bytes) -> str:
    """A job of ann's that has succeeded."""
    with Client(guarded.address, credentials=Credentials(token=tokens["ann"])) as client:
        made = client.create(landscape, painting, size=48, steps=1)
        made.result()
        return made.name


def code_of(call: Callable[[], object]) -> grpc.StatusCode:
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_every_method_is_in_the_matrix() -> None:
    assert set(METHODS) == {method.name for method in pb.DESCRIPTOR.services_by_name["StyleTransfer"].methods}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("caller", ["nobody", "wrong", "bob", "ann"])
def test_access_matrix(guarded: Server, tokens: dict[str, str], job: str, method: str, caller: str) -> None:
    metadata = {
        "nobody": (),
        "wrong": (("authorization", f"Bearer {tokens['ann'][:-1]}"),),
        "bob": (("authorization", f"Bearer {tokens['bob']}"),),
        "ann": (("authorization", f"Bearer {tokens['ann']}"),),
    }[caller]
    if caller in ("nobody", "wrong"):
        wanted = grpc.StatusCode.UNAUTHENTICATED
    elif method in WITHOUT_INPUT:
        wanted = grpc.StatusCode.INVALID_ARGUMENT
    elif method in OF_A_JOB and caller == "bob":
        wanted = grpc.StatusCode.NOT_FOUND
    else:
        wanted = grpc.StatusCode.OK
    stub = style_transfer_pb2_grpc.StyleTransferStub(grpc.insecure_channel(guarded.address))
    assert code_of(lambda: METHODS[method](stub, job, metadata)) is wanted


def test_others_jobs_and_images_are_not_there(
    guarded: Server, tokens: dict[str, str], landscape: bytes, painting: bytes
) -> None:
    ann, bob = (Client(guarded.address, credentials=Credentials(token=tokens[name])) for name in ("ann", "bob"))
    with ann, bob:
        job = ann.create(landscape, painting, size=48, steps=1)
        with pytest.raises(JobNotFoundError):
            bob.job(job.name).result()
        assert job.name not in [each.name for each in bob.jobs()]
        image = ann.stub.UploadImage(iter([pb.UploadImageRequest(data=landscape)]))
        asked = pb.StylizeRequest(content_image=image.name, style=painting)
        with pytest.raises(BadRequestError, match="content_image: there is no image"):
            bob.call(lambda: bob.stub.CreateJob(pb.CreateJobRequest(transfer=asked)))
        assert ann.image(image.name) == landscape
        with pytest.raises(JobNotFoundError, match="there is no image"):
            bob.image(image.name)
        result = f"images/{ann.job(job.name).result().digest}"
        assert len(ann.image(result)) > 0
        with pytest.raises(JobNotFoundError, match="there is no image"):
            bob.image(result)


def test_log_has_neither_tokens_nor_pictures(guarded: Server, tokens: dict[str, str], job: str) -> None:
    log = "\n".join(guarded.log)
    assert job.removeprefix("jobs/") in log
    for secret in (tokens["ann"], tokens["bob"], hashlib.sha256(tokens["ann"].encode()).hexdigest(), "JFIF"):
        assert secret not in log


def test_names_in_certificates_write_no_log_lines_of_their_own() -> None:
    gate = Gate(SecurityOptions(client_authority=Path("ca")))
    owners = [
        gate.caller([], {"x509_common_name": [name.encode()]}).owner
        for name in ("bob", "jürgen", "bob\n2026 ERROR \x1b[31m", "bob\\n2026 ERROR \\x1b[31m")
    ]
    assert owners[:2] == ["certificate:bob", "certificate:jürgen"]
    assert all(owner.isprintable() for owner in owners)
    assert len(set(owners)) == 4


def test_health_is_for_everybody_and_reflection_for_nobody(guarded: Server) -> None:
    channel = grpc.insecure_channel(guarded.address)
    assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest()).status in (1, 2)
    with pytest.raises(grpc.RpcError) as caught:
        ProtoReflectionDescriptorDatabase(channel).get_services()
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_tls_with_tokens(
    own_server: Callable[..., Server], certificates: Path, tokens: dict[str, str], landscape: bytes, painting: bytes
) -> None:
    server = own_server(
        "--tls-certificate", str(certificates / "server.pem"), "--tls-key", str(certificates / "server.key"),
        "--tokens", tokens["file"],
    )  # fmt: skip
    authority = (certificates / "ca.pem").read_bytes()
    target = server.address.replace("127.0.0.1", "localhost")
    with Client(target, credentials=Credentials(tls=True, root_certificates=authority, token=tokens["bob"])) as client:
        assert client.create(landscape, painting, size=48, steps=1).result().png
    with Client(target, patience=1, credentials=Credentials(token=tokens["bob"])) as plain, pytest.raises(ClientError):
        list(plain.jobs())
    distrustful = Client(target, patience=1, credentials=Credentials(tls=True, token=tokens["bob"]))
    with distrustful, pytest.raises(ClientError):
        list(distrustful.jobs())


def test_client_certificates_say_whose_a_job_is(
    own_server: Callable[..., Server], certificates: Path, landscape: bytes, painting: bytes
) -> None:
    server = own_server(
        "--tls-certificate", str(certificates / "server.pem"), "--tls-key", str(certificates / "server.key"),
        "--tls-client-ca", str(certificates / "ca.pem"),
    )  # fmt: skip
    authority, certificate, key = (
        (certificates / name).read_bytes() for name in ("ca.pem", "client.pem", "client.key")
    )
    target = server.address.replace("127.0.0.1", "localhost")
    credentials = Credentials(tls=True, root_certificates=authority, certificate=certificate, key=key)
    with Client(target, credentials=credentials) as client:
        job = client.create(landscape, painting, size=48, steps=1)
        assert job.result().png
        assert [each.name for each in client.jobs()] == [job.name]
    stranger = Client(target, patience=1, credentials=Credentials(tls=True, root_certificates=authority))
    with stranger, pytest.raises(ClientError):
        list(stranger.jobs())


@pytest.mark.parametrize("insecure", [False, True])
def test_address_without_host_is_refused(insecure: bool) -> None:
    with pytest.raises(SecurityError, match=r"listen: :1 has no host; give 127\.0\.0\.1:1 for this machine only"):
        check_binding(":1", SecurityOptions(insecure=insecure))


@pytest.mark.parametrize("listen", ["192.0.2.1:1", "nohost.invalid:1", "a..b:1"])
@pytest.mark.parametrize("insecure", [False, True])
def test_address_of_no_interface_is_refused(listen: str, insecure: bool) -> None:
    with pytest.raises(SecurityError, match=f"{listen}: the host is not an address of this machine"):
        check_binding(listen, SecurityOptions(insecure=insecure))


@pytest.mark.parametrize("listen", ["0.0.0.0:1", "[::]:1"])
def test_address_that_others_reach_needs_tls(listen: str, tmp_path: Path) -> None:
    with pytest.raises(SecurityError, match="other machines can reach"):
        check_binding(listen, SecurityOptions())
    check_binding(listen, SecurityOptions(insecure=True))
    check_binding(listen, SecurityOptions(certificate=tmp_path, key=tmp_path))


@pytest.mark.parametrize(
    "listen",
    ["127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "127.1:1", "localhost:1", "LOCALHOST.:1", "a.localhost:1", "unix:/x"],
)
def test_own_machine_needs_none(listen: str) -> None:
    check_binding(listen, SecurityOptions())


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--listen", "0.0.0.0:0"], "listen: other machines can reach 0.0.0.0, and the connection is not encrypted"),
        (["--tls-key", "/no/key"], "tls_key: --tls-certificate and --tls-key belong together"),
        (["--listen", ":0"], "listen: :0 has no host; give 127.0.0.1:0 for this machine only, or 0.0.0.0:0 for all"),
        (["--tls-key", "/no/key", "--tls-certificate", "/no/cert"], "tls_key: cannot read /no/key"),
        (["--tls-client-ca", "/no/ca"], "tls_client_ca: client certificates need TLS"),
        (["--tokens", "/no/tokens"], "tokens: cannot read /no/tokens"),
    ],
)
def test_server_that_would_be_open_does_not_start(
    own_server: Callable[..., Server], flags: list[str], says: str
) -> None:
    with pytest.raises(AssertionError, match=says.replace("(", r"\(")):
        own_server(*flags)


def test_bad_certificate_is_one_line(certificates: Path, tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("junk")
    flags = ("--tls-certificate", tmp_path / "junk", "--tls-key", certificates / "server.key", "--data", tmp_path)
    command = [sys.executable, "-m", "tfstyle_server", "--listen", "127.0.0.1:0", *map(str, flags)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == BAD_INPUT
    assert re.fullmatch(r"tfstyle-server: tls_certificate: \S+/junk has no certificate .*\n", ended.stderr)


@pytest.mark.parametrize(
    ("credentials", "target", "says"),
    [
        (Credentials(token="t"), "example.org:1", "token: would go to example.org:1 unencrypted"),
        (Credentials(tls=True, certificate=b"c"), "localhost:1", "tls_key: certificate and key belong together"),
        (Credentials(root_certificates=b"a"), "localhost:1", "tls: is needed for certificates"),
    ],
)
def test_client_does_not_give_itself_away(credentials: Credentials, target: str, says: str) -> None:
    with pytest.raises(BadRequestError, match=says):
        Client(target, credentials=credentials)


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(Credentials(tls=True, certificate=b"c", key=b"secret", token="secret"))
