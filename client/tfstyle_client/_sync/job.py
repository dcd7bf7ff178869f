# Generated from _async/job.py by client/unasync.py; edit that file instead.
"""A job on the server."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from tfstyle.v1 import style_transfer_pb2 as pb
from tfstyle_client._sync.connection import Connection
from tfstyle_client.channel import call_cancellation
from tfstyle_client.errors import ClientError
from tfstyle_client.events import Event, JobStatus, Result
from tfstyle_client.readers import JobReader, ResultReader, job_status
from tfstyle_client.requests import deletions


class Job:
    """A job on the server, by its `name`. Every method raises `ClientError`, such as `JobNotFoundError`."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.name = name
        self._connection = connection

    def status(self) -> JobStatus:
        """The job's current status."""
        request = pb.GetJobRequest(name=self.name)
        return job_status(self._connection.call(lambda: self._connection.stub.GetJob(request)))

    def watch(self, after: int = 0) -> Iterator[Event]:
        """Every event with a number greater than `after`, until the job has succeeded, across restarts of the server.

        Raises the `ClientError` with which the job failed; `CallCancelledError` if it was cancelled.
        """
        return self._watch(JobReader(after))

    def result(self) -> Result:
        """Wait until the job has ended, and read its picture."""
        # The last event of an ended job is all that is needed.
        reader = JobReader(max(0, self.status().sequence - 1))
        for _ in self._watch(reader):
            pass
        if reader.result is None:
            raise ClientError("the server ended the job without a result", "DATA_LOSS")
        return self._read(ResultReader(reader.result))

    def cancel(self) -> JobStatus:
        """Cancel the job, and return its status; a job that has ended stays as it is."""
        request = pb.CancelJobRequest(name=self.name)
        return job_status(self._connection.call(lambda: self._connection.stub.CancelJob(request)))

    def delete(self) -> None:
        """Delete the job, which must have ended, and its result."""
        requests = deletions(self.name)
        self._connection.call(lambda: self._connection.stub.DeleteJob(next(requests)))

    def _watch(self, reader: JobReader) -> Iterator[Event]:
        retry = self._connection.retry()
        while True:
            request = pb.WatchJobRequest(name=self.name, after_sequence=reader.after)
            try:
                with call_cancellation():
                    for message in self._connection.stub.WatchJob(request):
                        retry.renew()
                        event = reader.read(message)
                        if event is not None:
                            yield event
                return
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.OUT_OF_RANGE:
                    reader.skip_compacted()
                else:
                    self._connection.wait_or_raise(retry, error)

    def _read(self, reader: ResultReader) -> Result:
        retry = self._connection.retry()
        while True:
            request = pb.ReadResultRequest(name=self.name, offset=reader.offset)
            try:
                with call_cancellation():
                    for chunk in self._connection.stub.ReadResult(request):
                        retry.renew()
                        result = reader.add(chunk)
                        if result is not None:
                            return result
                raise ClientError("the server's result is incomplete", "DATA_LOSS")
            except grpc.RpcError as error:
                self._connection.wait_or_raise(retry, error)
