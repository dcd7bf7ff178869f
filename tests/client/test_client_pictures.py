"""The pictures that both clients send: several styles, masks, and large ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from conftest import Server
from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle.v1 import style_transfer_pb2_grpc
from tfstyle_client import (
    BadRequestError,
    Client,
    Style,
)
from tfstyle_client.requests import stylize_request


def test_several_styles_with_weights_and_masks_are_sent() -> None:
    request = stylize_request(b"photo", [Style(b"a", 2.0, b"mask"), Style(b"b")], "fast", options={"steps": 7})
    assert request.inputs == pb.Inputs(
        content=pb.Picture(data=b"photo"),
        styles=[
            pb.Style(picture=pb.Picture(data=b"a"), weight=2.0, mask=pb.Picture(data=b"mask")),
            pb.Style(picture=pb.Picture(data=b"b")),
        ],
    )
    assert not any((request.content, request.style, request.content_image, request.style_image))
    assert (request.preset, request.options) == ("fast", pb.TransferOptions(max_evaluations=7))
    assert stylize_request(b"photo", b"a").inputs.styles == [pb.Style(picture=pb.Picture(data=b"a"))]
    assert stylize_request(b"photo", b"a", options={"size": "original"}).options.size == 0


def test_styles_from_python_in_every_form() -> None:
    for style in (bytearray(b"a"), memoryview(b"a"), Style(b"a"), [b"a"], (Style(bytearray(b"a")),)):
        assert [each.picture.data for each in stylize_request(b"photo", style).inputs.styles] == [b"a"]
    assert [each.picture.data for each in stylize_request(b"photo", [b"a", b"b"]).inputs.styles] == [b"a", b"b"]
    with pytest.raises(BadRequestError, match="style: must be the bytes of a picture file"):
        stylize_request(b"photo", "painting.jpg")
    with pytest.raises(BadRequestError, match=r"styles\[1\]: must be the bytes"):
        stylize_request(b"photo", [b"a", 3])


@pytest.mark.parametrize(
    ("styles", "field"),
    [
        ([], "styles"),
        ([Style(b"a", -1.0)], "styles[0].weight"),
        ([Style(b"a", 0.0)], "styles"),
        ([Style(b"a")] * 9, "styles"),
    ],
)
def test_styles_that_no_server_would_take_are_refused(styles: list[Style[bytes]], field: str) -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(BadRequestError) as caught:
        client.stylize(b"photo", styles)
    assert [violation.field for violation in caught.value.violations] == [field]


class Uploads(style_transfer_pb2_grpc.StyleTransferServicer):
    """A server that remembers what is uploaded and created; it is unavailable at the first attempt of each."""

    def __init__(self) -> None:
        self.images: dict[str, bytes] = {}
        self.created: list[pb.CreateJobRequest] = []
        self._seen: set[bytes] = set()

    def _unavailable_once(self, what: bytes, context: grpc.ServicerContext) -> None:
        if what not in self._seen:
            self._seen.add(what)
            context.abort(grpc.StatusCode.UNAVAILABLE, "again, please")

    def UploadImage(self, requests: Iterator[pb.UploadImageRequest], context: grpc.ServicerContext) -> pb.Image:
        pieces = [request.data for request in requests]
        assert max(map(len, pieces)) <= 2**20
        self._unavailable_once(pieces[0][:1], context)
        name = f"images/{pieces[0][:1].decode()}"
        self.images[name] = b"".join(pieces)
        return pb.Image(name=name)

    def CreateJob(self, request: pb.CreateJobRequest, context: grpc.ServicerContext) -> pb.Job:
        self.created.append(request)
        self._unavailable_once(b"job", context)
        return pb.Job(name="jobs/1")


def test_every_large_picture_of_a_job_is_uploaded_in_pieces_and_calls_are_repeated() -> None:
    large = 4 * 2**20 + 1
    content, style, mask, small = b"c" * large, b"s" * large, b"m" * large, b"small"
    servicer, server = Uploads(), grpc.server(ThreadPoolExecutor(2))
    style_transfer_pb2_grpc.add_StyleTransferServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with Client(f"127.0.0.1:{port}", patience=20) as client:
            assert client.create(content, [Style(style, mask=mask), Style(small)]).name == "jobs/1"
    finally:
        server.stop(None)
    assert servicer.images == {"images/c": content, "images/s": style, "images/m": mask}
    first, second = servicer.created
    assert first == second
    assert first.request_id
    assert first.transfer.inputs == pb.Inputs(
        content=pb.Picture(image="images/c"),
        styles=[
            pb.Style(picture=pb.Picture(image="images/s"), mask=pb.Picture(image="images/m")),
            pb.Style(picture=pb.Picture(data=small)),
        ],
    )


def test_picture_above_the_servers_limit_names_the_switch(
    own_server: Callable[..., Server], landscape: bytes, painting: bytes
) -> None:
    server = own_server("--max-image-bytes", "1000")
    with Client(server.address) as client:
        for attempt in (
            lambda: client.stylize(b"x" * 1001, painting).result(),
            lambda: client.stylize(b"x" * 200_000, painting).result(),
            lambda: client.create(b"x" * 5_000_000, painting),
        ):
            with pytest.raises(BadRequestError, match="--max-image-bytes"):
                attempt()
