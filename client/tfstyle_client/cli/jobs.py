"""The commands for jobs on a server: `tfstyle jobs`, `watch`, `result`, `cancel` and `delete`."""

from __future__ import annotations

from tfstyle_client._sync.client import Client
from tfstyle_client.cli.app import complain
from tfstyle_client.cli.outputs import checked_output, checked_preview
from tfstyle_client.cli.parameters import (
    NO_ACCESS,
    PATIENCE,
    Access,
    JobName,
    JobServer,
    Json,
    OutputPath,
    Preview,
    Quality,
)
from tfstyle_client.cli.reports import report, report_file, report_job
from tfstyle_client.cli.transfer import Previews
from tfstyle_client.display import display
from tfstyle_client.events import Progress
from tfstyle_client.json_lines import job_fields, print_json


def jobs(*, server: JobServer, as_json: Json = False, access: Access = NO_ACCESS) -> None:
    """List the jobs on a server, the newest first."""
    with _client(server, access) as client:
        for job in client.jobs():
            report_job(job, as_json)


def watch(
    name: JobName, /, *, server: JobServer, preview: Preview = None, as_json: Json = False, access: Access = NO_ACCESS
) -> None:
    """Show a job's progress until it ends, across restarts of the server. Ctrl-C leaves the job alone."""
    target = checked_preview(preview)
    with display(as_json) as screen, Client(server, PATIENCE, access.credentials(), screen.say) as client:
        previews = Previews(target, screen)
        for event in client.job(name).watch():
            screen.show(event)
            if isinstance(event, Progress):
                previews.write(event)
        if as_json:
            print_json("job", job_fields(client.job(name).status()))


def result(
    name: JobName,
    /,
    *,
    output: OutputPath,
    quality: Quality = None,
    as_json: Json = False,
    server: JobServer,
    access: Access = NO_ACCESS,
) -> None:
    """Wait until a job has ended, and write its picture."""
    target = checked_output(output, quality, as_json)
    with _client(server, access) as client:
        report_file(target, client.job(name).result().png, as_json)


def cancel(name: JobName, /, *, server: JobServer, as_json: Json = False, access: Access = NO_ACCESS) -> None:
    """Cancel a job; one that has ended stays as it is."""
    with _client(server, access) as client:
        report_job(client.job(name).cancel(), as_json)


def delete(name: JobName, /, *, server: JobServer, as_json: Json = False, access: Access = NO_ACCESS) -> None:
    """Delete a job that has ended, and its picture on the server."""
    with _client(server, access) as client:
        client.job(name).delete()
        report("deleted", "name", name, as_json)


def _client(server: str, access: Access) -> Client:
    return Client(server, PATIENCE, access.credentials(), complain)
