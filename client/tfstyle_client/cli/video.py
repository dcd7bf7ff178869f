"""`tfstyle video`."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tfstyle.inputs import Size
from tfstyle.options import TransferOptions
from tfstyle.presets import PRESETS, resolve_options
from tfstyle_client._sync.client import Client
from tfstyle_client.cli.app import plain_fields
from tfstyle_client.cli.connecting import check_server, reached
from tfstyle_client.cli.many import AtOnce, check_at_once, check_known, run_until_ctrl_c
from tfstyle_client.cli.parameters import MAIN, NO_ACCESS, OUTPUT, Access, Json, OpenPage, Server, Weights
from tfstyle_client.cli.picture_files import NO_PICTURE_FILES, PictureFiles, read_pictures, start_file
from tfstyle_client.cli.picture_options import FirstOptions, OtherOptions, preset_and_overrides
from tfstyle_client.cli.reports import report
from tfstyle_client.cli.transfer import wait_for_ctrl_c
from tfstyle_client.credentials import Credentials
from tfstyle_client.errors import ClientError, refusal
from tfstyle_client.journal import Journal, open_journal
from tfstyle_client.json_lines import print_json
from tfstyle_client.open_browser import open_in_browser
from tfstyle_client.option_values import file_path, whole_number
from tfstyle_client.private_dashboard import private_dashboard
from tfstyle_client.video.extra import ENDINGS, FRAME_STEPS, KEPT_JOBS, QUALITY, USUAL_RATE, check_installed
from tfstyle_client.video.frames_display import FramesDisplay, frames_display

if TYPE_CHECKING:
    from tfstyle_client.video.chain import Manner
    from tfstyle_client.video.plan import Plan
    from tfstyle_client.video.source import Part, Source
    from tfstyle_client.video.target import Target

NO_FIRST, NO_OTHERS = FirstOptions(), OtherOptions()


@Parameter(name="*")
@dataclass(frozen=True)
class FrameOptions:
    """Which frames are painted, and how they follow one another."""

    begin: Annotated[
        float,
        Parameter(name="--from", help="begin at this time of the film, in seconds", show_default=True, group=MAIN),
    ] = 0.0
    limit: Annotated[float | None, Parameter(help="paint so many seconds", show_default="all of it", group=MAIN)] = None
    rate: Annotated[
        float | None,
        Parameter(help="frames in a second of a folder of frames", show_default=str(USUAL_RATE), group=MAIN),
    ] = None
    frame_steps: Annotated[
        int | None,
        Parameter(
            help="evaluations of each frame that follows another one; the first of a scene has --steps (1 to 10000)",
            show_default=str(FRAME_STEPS),
            group=MAIN,
            converter=whole_number,
        ),
    ] = None
    passes: Annotated[
        int,
        Parameter(
            help="how often each frame is painted: 2 also goes back from the end of each scene to its beginning, so"
            " that style and strokes stay the same throughout (1 or 2)",
            show_default=True,
            group=MAIN,
            converter=whole_number,
        ),
    ] = 1
    frame_by_frame: Annotated[
        bool, Parameter(help="paint each frame by itself, as tfstyle batch does; the result flickers", group=MAIN)
    ] = False

    def check(self) -> None:
        """Refuse what cannot be. Raises `BadRequestError`."""
        if not (math.isfinite(self.begin) and self.begin >= 0):
            raise refusal("from", f"must be a number of seconds, at least 0; got {self.begin}")
        if self.limit is not None and not (math.isfinite(self.limit) and self.limit > 0):
            raise refusal("limit", f"must be a number of seconds above 0; got {self.limit}")
        if self.rate is not None and not 0.01 <= self.rate <= 1000:
            raise refusal("rate", f"must be 0.01 to 1000 frames in a second; got {self.rate}")
        if self.frame_steps is not None and not 1 <= self.frame_steps <= 10_000:
            raise refusal("frame_steps", f"must be 1 to 10000; got {self.frame_steps}")
        if self.passes not in (1, 2):
            raise refusal("passes", f"must be 1 or 2; got {self.passes}")
        if self.frame_by_frame and self.passes != 1:
            raise refusal("passes", "has no effect with --frame-by-frame; no frame follows another")
        if self.frame_by_frame and self.frame_steps is not None:
            raise refusal("frame_steps", "has no effect with --frame-by-frame; every frame has --steps")

    def part(self) -> Part:
        """The part of the source."""
        from tfstyle_client.video.source import Part

        begin = _fraction(self.begin)
        return Part(begin, None if self.limit is None else begin + _fraction(self.limit))

    def steps(self, most: int) -> int | None:
        """The evaluations of a frame that follows another one; None if none does. `most` are those of the others."""
        return None if self.frame_by_frame else self.frame_steps or min(FRAME_STEPS, most)


NO_FRAME_OPTIONS = FrameOptions()


def video(
    content: Annotated[
        Path, Parameter(help="the film, an animated GIF, WebP or PNG, or a folder of frames", converter=file_path)
    ],
    /,
    *style: Annotated[Path, Parameter(help="the painting, or several to blend", required=True, converter=file_path)],
    first: FirstOptions = NO_FIRST,
    output: Annotated[
        Path,
        Parameter(
            name=["--output", "-o"],
            help=f"file to write, in the format of its ending ({', '.join(ENDINGS)}), or a folder for PNG frames",
            group=MAIN,
            converter=file_path,
        ),
    ],
    frames: FrameOptions = NO_FRAME_OPTIONS,
    pictures: PictureFiles = NO_PICTURE_FILES,
    others: OtherOptions = NO_OTHERS,
    quality: Annotated[
        int | None,
        Parameter(
            help="quality of MP4, WebP and GIF files (1 to 100)",
            show_default=str(QUALITY),
            group=OUTPUT,
            converter=whole_number,
        ),
    ] = None,
    keep_frames: Annotated[
        bool, Parameter(help="keep the painted frames, in the folder OUTPUT.frames", group=OUTPUT)
    ] = False,
    dry_run: Annotated[
        bool,
        Parameter(help="only tell the size, the number of frames, and the time that they would take", group=OUTPUT),
    ] = False,
    overwrite: Annotated[
        bool, Parameter(help="replace what is there, if this run has not made it", group=OUTPUT)
    ] = False,
    open_page: OpenPage = False,
    as_json: Json = False,
    server: Server = None,
    weights: Weights = None,
    at_once: AtOnce = None,
    access: Access = NO_ACCESS,
) -> None:
    """Repaint a film in the style of STYLE, or of several, without flicker. A second run goes on where one ended."""
    check_installed()
    from tfstyle_client.video.chain import Manner
    from tfstyle_client.video.opening import opened_source
    from tfstyle_client.video.target import Target

    preset, overrides = preset_and_overrides(first, others)
    start = start_file(overrides)
    frames.check()
    check_server(server, weights)
    check_at_once(at_once)
    options = resolve_options(preset, overrides)
    target = Target(output)
    target.check(quality, [content, *style])
    _check_options(options, target)
    if not (target.is_folder or overwrite) and target.path.exists():
        raise refusal("output", f"{target.path} is there already; name another file, or give --overwrite")
    inputs, steps = read_pictures(b"", style, pictures, start), frames.steps(options.max_evaluations)
    manner = Manner(inputs, preset, overrides, steps, frames.passes)
    rate = None if frames.rate is None else _fraction(frames.rate)
    work = _Work(content, opened_source(content, rate), frames.part(), target, manner, options)
    manner.identity(work.size)  # raises before a server is started
    kept = KEPT_JOBS if open_page or server is not None else 0
    network = str(overrides.get("network") or PRESETS[preset].network)
    with (
        frames_display(as_json) as screen,
        reached(server, access, weights, network) as (address, credentials),
    ):
        work.tell(address, credentials, screen, as_json)
        if dry_run:
            return
        with open_journal(target.frames, "output") as journal:
            plan = work.plan(journal, screen, overwrite=overwrite)
            with private_dashboard(address, access.arguments()) if open_page else nullcontext() as page:
                if page is not None:
                    opened = open_in_browser(page)
                    screen.say(f"the page is {'open' if opened else f'at {page}'}")
                work.paint(plan, journal, (address, credentials), at_once, kept, screen)
                work.finish(plan, journal, quality, screen, keep_frames=keep_frames)
                report("written", "path", str(output), as_json)
                if page is not None:
                    wait_for_ctrl_c(screen.say)


def _fraction(number: float) -> Fraction:
    return Fraction(number).limit_denominator(1_000_000)


def _check_options(options: TransferOptions, target: Target) -> None:
    """Raises `BadRequestError` for what a video cannot be."""
    if options.colour_space != "srgb":
        raise refusal("colour_space", f"must be srgb for a video; got {options.colour_space}")
    if options.depth > 8 and not target.is_folder:
        raise refusal("depth", f"{options.depth} needs PNG frames; name a folder with -o")


@dataclass(frozen=True)
class _Work:
    """A video to make, in the order of the methods."""

    path: Path
    source: Source
    part: Part
    target: Target
    manner: Manner
    options: TransferOptions

    @property
    def size(self) -> Size:
        """(width, height) of the result."""
        from tfstyle_client.video.plan import size_of_result

        source, options = self.source.facts.size, self.options
        return size_of_result(source, options.size, options.seamless, self.target.needs_even_sides)

    def tell(self, address: str, credentials: Credentials, screen: FramesDisplay, as_json: bool) -> None:
        """Say what it would be. Raises `ClientError`, also for what nobody could wait for."""
        from tfstyle_client.video.run import check_length, estimated

        for remark in self.source.facts.remarks:
            screen.say(remark)
        with Client(address, credentials=credentials, on_retry=screen.say) as client:
            estimate = estimated(client, self.source.facts, self.part, self.size, self.manner)
        if as_json:
            width, height = self.size
            fields = {"frames": estimate.frames, "width": width, "height": height, "expected": estimate.seconds}
            fields |= {"passes": self.manner.passes}
            print_json("estimate", {**fields, "first": estimate.first, "later": estimate.later})
        else:
            screen.say(estimate.text())
        check_length(estimate)

    def plan(self, journal: Journal, screen: FramesDisplay, *, overwrite: bool) -> Plan:
        """Look through the source. Raises `BadRequestError`, also where somebody else's frames would be replaced."""
        from tfstyle_client.video.chain import HIDDEN, name_of
        from tfstyle_client.video.run import keep, planned

        plan = planned(self.source, self.path, self.part, journal.folder / HIDDEN, screen)
        if not overwrite:
            check_known(map(name_of, range(plan.count)), journal, "move them away, or give --overwrite")
        keep(plan, self.path, journal.folder / HIDDEN)
        return plan

    def paint(
        self,
        plan: Plan,
        journal: Journal,
        server: tuple[str, Credentials],
        at_once: int | None,
        kept: int,
        screen: FramesDisplay,
    ) -> None:
        """Paint the frames that are missing. Raises `ClientError`."""
        from tfstyle_client.video.chain import HIDDEN, Chains
        from tfstyle_client.video.run import Keeper, paint

        label, folder = self.path.resolve().name, journal.folder / HIDDEN / "ahead"
        with Chains(self.source, plan, self.size, self.manner, journal, folder, label) as chains:
            screen.begin("painting", chains.count)
            keeper = Keeper(chains, journal, screen, plain_fields)
            try:
                run_until_ctrl_c(paint(*server, chains, at_once, keeper, kept))
            except KeyboardInterrupt:
                screen.say(f"{keeper.there} of {plan.count} frames are in {journal.folder}; the same command goes on")
                raise
        if keeper.failures:
            missing = plan.count - keeper.there
            first = next(iter(keeper.failures.values()))
            raise ClientError(
                f"{missing} of {plan.count} frames are not painted: {plain_fields(str(first))}; those that are,"
                f" are in {journal.folder}, and the same command tries the others again",
                first.code,
            )

    def finish(
        self, plan: Plan, journal: Journal, quality: int | None, screen: FramesDisplay, *, keep_frames: bool
    ) -> None:
        """Write the file, and delete what only an unfinished video needs. Raises `BadRequestError`."""
        from tfstyle_client.video.run import clear, write

        if not self.target.is_folder:
            write(self.source, plan, self.target, quality, journal, screen)
        if self.source.facts.has_sound and not self.target.has_sound:
            screen.say("the sound is left out; only MP4 has one")
        clear(self.target, journal, keep_frames=keep_frames)
