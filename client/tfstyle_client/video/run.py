"""A video from its source to the file: estimated, looked through, painted and written, each so that it can go on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from av.error import FFmpegError

from tfstyle.inputs import Size
from tfstyle_client._async.client import AsyncClient
from tfstyle_client._sync.client import Client
from tfstyle_client.credentials import Credentials
from tfstyle_client.display import clock
from tfstyle_client.errors import ClientError, refusal
from tfstyle_client.events import Event, Result
from tfstyle_client.files import reason
from tfstyle_client.journal import Journal
from tfstyle_client.many_jobs import Order, Task, fitting_number, make_chains
from tfstyle_client.picture_formats import size_as_shown
from tfstyle_client.video.ahead import OFFSETS
from tfstyle_client.video.chain import HIDDEN, Chains, Manner, name_of, painted
from tfstyle_client.video.film import Film
from tfstyle_client.video.frames_display import FramesDisplay
from tfstyle_client.video.plan import MOST_FRAMES, Plan, keep_plan, kept_plan, looked_through
from tfstyle_client.video.shown import Shown
from tfstyle_client.video.sound import Sound
from tfstyle_client.video.source import Facts, Part, Source
from tfstyle_client.video.target import Target

PLAN = "plan.json"


@dataclass(frozen=True)
class Estimate:
    """What a video would be, before it is looked at: about `frames` of `size` (width, height), painted by `workers`.

    `frames` is None where the source does not say how long it is. `first` and `later` are the seconds that the first
    frame of a scene takes, and one that follows another. Each frame is painted in so many `passes`.
    """

    size: Size
    frames: int | None
    first: float
    later: float
    workers: int
    passes: int = 1

    @property
    def seconds(self) -> float | None:
        """About how long all of it takes with scenes enough for all workers; None where nobody knows."""
        if self.frames is None:
            return None
        return self.first + max(0, self.passes * self.frames - 1) * self.later / max(1, self.workers)

    def text(self) -> str:
        """A line for a person."""
        width, height = self.size
        if self.seconds is None:
            each = clock(self.passes * self.later)
            return f"{width} x {height} pixels; about {each} for each frame, and nobody knows how many"
        return f"{width} x {height} pixels, about {self.frames:,} frames: about {spelled(self.seconds)}"


def spelled(seconds: float) -> str:
    """A duration for a person, also if it is days."""
    if seconds < 3600:
        return clock(seconds)
    return f"{seconds / 3600:.1f} hours" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"


def frames_of(facts: Facts, part: Part) -> int | None:
    """About how many frames a part has, by what the source says about itself."""
    if facts.seconds is None:
        return None if part.end is None else max(1, round((part.end - part.begin) * facts.rate))
    end = facts.seconds if part.end is None else min(facts.seconds, part.end)
    return max(1, round((end - part.begin) * facts.rate)) if end > part.begin else 0


def estimated(client: Client, facts: Facts, part: Part, size: Size, manner: Manner) -> Estimate:
    """Ask the server what a first and a later frame take. Raises `ClientError`."""
    info = client.server_info()
    if manner.frame_steps is not None and "sequences" not in info.capabilities:
        why = f"is of release {info.version}, in which no picture follows another; update it, or give --frame-by-frame"
        raise refusal("server", why)
    styles = [size_as_shown(style.picture) or size for style in manner.inputs.styles]
    whole = manner.first(size)
    first = client.estimate(size, styles, preset=manner.preset, **whole).expected
    later = first
    if manner.frame_steps is not None:
        earlier = [size] * len(OFFSETS)
        following = client.estimate(size, styles, temporal=earlier, preset=manner.preset, **manner.later(size))
        later = following.expected - following.tracing  # which happens once
    return Estimate(size, frames_of(facts, part), first, later, info.workers, manner.passes)


def check_length(estimate: Estimate) -> None:
    """Refuse what nobody could wait for. Raises `BadRequestError`."""
    if estimate.frames is not None and estimate.frames > MOST_FRAMES:
        took = f"about {estimate.frames:,} frames would take about {spelled(estimate.seconds or 0)}"
        raise refusal("limit", f"is needed: {took}, and {MOST_FRAMES:,} are the most; give --limit SECONDS")


def planned(source: Source, path: Path, part: Part, folder: Path, screen: FramesDisplay) -> Plan:
    """The frames and scenes of a part, as a former run has found them, or found now. Raises `BadRequestError`."""
    plan = kept_plan(folder / PLAN, path, part)
    if plan is None:
        screen.begin("looking", frames_of(source.facts, part))
        plan = looked_through(source, part, screen.reached)
    for line in plan.trouble:
        screen.say(f"warning: {line}")
    screen.say(f"{_counted(plan.count, 'frame')} in {_counted(len(plan.cuts), 'scene')}")
    return plan


def keep(plan: Plan, path: Path, folder: Path) -> None:
    """Write the plan for further runs. Raises `BadRequestError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        keep_plan(plan, folder / PLAN, path)
    except OSError as error:
        raise refusal("output", f"cannot write into {folder}: {reason(error)}") from None


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


class Keeper:
    """Writes the painted frames into the journal's folder, and shows what becomes of them."""

    def __init__(self, chains: Chains, journal: Journal, screen: FramesDisplay, told: Callable[[str], str]) -> None:
        self.failures: dict[str, ClientError] = {}
        self.there = 0
        """Frames that are in the journal's folder."""
        self.say = screen.say
        self._chains = chains
        self._journal = journal
        self._screen = screen
        self._told = told

    def show(self, task: Task, event: Event) -> None:
        """Show an event."""
        self._screen.show(task.name, event)

    def made(self, task: Task, order: Order, result: Result) -> None:
        """Write a frame. Raises `BadRequestError`."""
        try:
            path = self._journal.write(task.name, self._chains.identity_of(task.name), result.png)
        except OSError as error:
            raise refusal("output", f"cannot write {self._journal.folder / task.name}: {reason(error)}") from None
        self._chains.done(task.name)
        self.there += not task.name.startswith(HIDDEN)
        self._screen.made(task.name, str(path))

    def skipped(self, task: Task) -> None:
        """A frame was painted before, or is of a first pass that is no longer needed."""
        self._chains.done(task.name)
        self.there += not task.name.startswith(HIDDEN)
        path = self._journal.folder / task.name
        self._screen.skipped(task.name, str(path) if path.exists() else None)

    def failed(self, task: Task, error: ClientError) -> None:
        """A frame could not be painted, and none that follows it."""
        self.failures[task.name] = error
        self._screen.failed(task.name, self._told(str(error)), error)


async def paint(
    address: str, credentials: Credentials, chains: Chains, at_once: int | None, keeper: Keeper, kept: int
) -> None:
    """Paint all frames that are not there. The latest `kept` jobs stay on the server. Raises `ClientError`."""
    async with AsyncClient(address, credentials=credentials, on_retry=keeper.say) as client:
        number = at_once or fitting_number(await client.server_info())
        await make_chains(client, chains.all(), number, keeper, kept)


def write(
    source: Source, plan: Plan, target: Target, quality: int | None, journal: Journal, screen: FramesDisplay
) -> None:
    """Make the target's file from the painted frames. Raises `BadRequestError`."""
    screen.begin("writing", plan.count)
    begin = plan.times[0]

    def frames() -> Iterator[Shown]:
        for number, (time, duration) in enumerate(zip(plan.times, plan.durations, strict=True)):
            yield Shown(time - begin, duration, painted(journal.folder / name_of(number)))
            screen.reached(number + 1)

    sound = None
    if isinstance(source, Film) and source.facts.has_sound and target.has_sound:
        sound = Sound(source, Part(begin, plan.times[-1] + plan.durations[-1]))
    first = painted(journal.folder / name_of(0))
    draft = journal.folder / HIDDEN / f"video{target.ending}"
    try:
        draft.parent.mkdir(parents=True, exist_ok=True)
        target.write(draft, (first.shape[1], first.shape[0]), frames(), quality, sound)
        shutil.move(draft, target.path.resolve())
    except (OSError, ValueError, FFmpegError) as error:
        why = f"cannot write {target.path}: {reason(error)}; the frames are in {journal.folder}"
        raise refusal("output", f"{why}, and the same command goes on") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    for line in sound.trouble if sound else []:
        screen.say(f"warning: {line}")


def clear(target: Target, journal: Journal, *, keep_frames: bool) -> None:
    """Delete what only an unfinished video needs."""
    shutil.rmtree(journal.folder / HIDDEN, ignore_errors=True)
    if not (target.is_folder or keep_frames):
        with suppress(OSError):
            journal.clear()
