"""The commands for jobs on a server: `tfstyle jobs`, `watch`, `result`, `cancel` and `delete`."""

from __future__ import annotations

from tfstyle_client._sync.client import Client
from tfstyle_client._sync.job import Job
from tfstyle_client.cli.app import complain
from tfstyle_client.cli.outputs import checked_output, checked_plot, checked_preview
from tfstyle_client.cli.parameters import (
    NO_ACCESS,
    PATIENCE,
    Access,
    JobName,
    JobServer,
    Json,
    OutputPath,
    Plot,
    Preview,
    Quality,
)
from tfstyle_client.cli.reports import report, report_file, report_job, report_plot
from tfstyle_client.cli.transfer import Previews
from tfstyle_client.display import Display, display
from tfstyle_client.errors import BadRequestError, ClientError, ServerUnreachableError
from tfstyle_client.events import Progress
from tfstyle_client.json_lines import job_fields, print_json
from tfstyle_client.loss_plot import LossCurves
from tfstyle_client.plot_file import PlotFile


def jobs(*, server: JobServer, as_json: Json = False, access: Access = NO_ACCESS) -> None:
    """List the jobs on a server, the newest first."""
    with _client(server, access) as client:
        for job in client.jobs():
            report_job(job, as_json)


def watch(
    name: JobName,
    /,
    *,
    server: JobServer,
    preview: Preview = None,
    plot: Plot = None,
    as_json: Json = False,
    access: Access = NO_ACCESS,
) -> None:
    """Show a job's progress until it ends, across restarts of the server. Ctrl-C leaves the job alone."""
    target = checked_preview(preview)
    plot_target = checked_plot(plot, preview=target)
    with display(as_json) as screen, Client(server, PATIENCE, access.credentials(), screen.say) as client:
        previews, curves, job = Previews(target, screen), LossCurves(), client.job(name)
        try:
            for event in job.watch():
                screen.show(event)
                curves.add(event)
                if isinstance(event, Progress):
                    previews.write(event)
        except ClientError as error:
            if plot_target is not None and _has_ended(job, error):
                _plot_failed_job(plot_target, curves, screen)
            raise
        if as_json:
            print_json("job", job_fields(job.status()))
        if plot_target is not None:
            report_plot(plot_target, curves, screen)


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


def _has_ended(job: Job, error: ClientError) -> bool:
    """Whether the job has ended, where watching it has ended with `error`."""
    if isinstance(error, ServerUnreachableError):  # waited for already
        return False
    try:
        return job.status().state not in ("queued", "running")
    except ClientError:
        return False


def _plot_failed_job(plot: PlotFile, curves: LossCurves, screen: Display) -> None:
    """Draw what there is; why the job ended is the error to tell, so another one is only a warning."""
    try:
        report_plot(plot, curves, screen)
    except BadRequestError as error:
        screen.say(f"warning: {error}")


def _client(server: str, access: Access) -> Client:
    return Client(server, PATIENCE, access.credentials(), complain)
