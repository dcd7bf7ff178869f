# Generated from _async/image.py by client/unasync.py; edit that file instead.
"""Pictures on the server, by their name."""

from __future__ import annotations

import grpc

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client._sync.connection import Connection
from tfstyle_client.channel import call_cancellation
from tfstyle_client.readers import ImageReader


def read_image(connection: Connection, name: str) -> bytes:
    """The file of the image `name`, "images/" and its SHA-256. Raises `ClientError`."""
    reader = ImageReader(name)
    retry = connection.retry()
    while True:
        request = pb.ReadImageRequest(name=name, offset=reader.offset)
        try:
            with call_cancellation():
                for chunk in connection.stub.ReadImage(request):
                    retry.renew()
                    reader.add(chunk)
            return reader.image()
        except grpc.RpcError as error:
            connection.wait_or_raise(retry, error)
