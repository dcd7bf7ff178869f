"""How a result was made, and what has to be the same to repeat it to the bit.

`tfstyle.provenance_json` writes it into files. It names options, networks, and the digests of files; it has no paths,
and no names of users or machines. Imports neither TensorFlow nor NumPy, so that a thin client can read it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tfstyle.errors import InvalidInputError, Violation
from tfstyle.options import RULES, TransferOptions
from tfstyle.precision import AUTO


@dataclass(frozen=True)
class Source:
    """A picture that went into a result: its `name` as in `Inputs.pictures`, its size, and the SHA-256 of its file.

    The digest is empty for pixels that came from no file. `weight` is that of a style, or of a reference to an earlier
    result; other pictures have none.
    """

    name: str
    width: int
    height: int
    digest: str
    weight: float | None = None


@dataclass(frozen=True)
class StageFacts:
    """Stages that are alike: `evaluations` on a `network` of a picture of `width` x `height` pixels.

    `style_loss` is the one that was taken; `whole_from` is the first block of the network that was not tiled.
    """

    network: str
    width: int
    height: int
    evaluations: int
    style_loss: str
    whole_from: int


@dataclass(frozen=True)
class Provenance:
    """How a result was made.

    `version` and `tensorflow` are releases; `device` is a `tfstyle.device.Device` as text. `preset` is the one that was
    named. `options` has every option, as `resolve_options` takes them. `precision` is that of the features; `networks`
    has the SHA-256 of each network's weights file. `pictures` are in the order of `Inputs.pictures`.
    """

    version: str
    tensorflow: str
    device: str
    preset: str
    options: Mapping[str, Any]
    precision: str
    networks: Mapping[str, str]
    stages: tuple[StageFacts, ...]
    pictures: tuple[Source, ...]

    @property
    def network(self) -> str:
        """The network of the last stage."""
        return self.stages[-1].network

    def transfer_options(self) -> TransferOptions:
        """The options that repeat the result: as they were, with what "auto" stood for in its place.

        If scales had different style losses because of the memory, `style_loss` stays "auto". Raises
        `InvalidInputError` for options of another release.
        """
        if unknown := [name for name in self.options if name not in RULES]:
            raise InvalidInputError(
                [Violation(name, "this release has no such option; update tfstyle") for name in unknown]
            )
        options = TransferOptions(**{**self.options, "network": self.network, "precision": self.precision})
        losses = {stage.style_loss for stage in self.stages}
        # With split_evaluations there is no other style loss to name than neighbours.
        nameable = len(losses) == 1 and (not options.split_evaluations or losses == {"neighbours"})
        if options.style_loss == AUTO and nameable:
            return dataclasses.replace(options, style_loss=losses.pop())
        return options

    def differences(self, other: Provenance) -> Iterator[str]:
        """How the surroundings of `other` differ, a line each: what decides the bits besides options and pictures."""
        for what in ("version", "tensorflow", "device"):
            one, two = getattr(self, what), getattr(other, what)
            if one != two:
                yield f"{what}: {two} in place of {one}"
        for name, digest in other.networks.items():
            if self.networks.get(name, digest) != digest:
                yield f"network: {name} has other weights"
        same_losses = self.options.get("style_loss") == other.options.get("style_loss")
        for one, two in zip(self.stages, other.stages, strict=False):
            size = f"at {two.width} x {two.height} pixels"
            if (one.width, one.height) != (two.width, two.height):
                return
            if same_losses and one.style_loss != two.style_loss:
                yield f"style_loss: {two.style_loss} in place of {one.style_loss} {size}, by the memory that is free"
                return
            if one.whole_from != two.whole_from:
                yield f"memory: the picture is tiled in another way {size}"
                return


def joined(stages: Iterable[StageFacts]) -> tuple[StageFacts, ...]:
    """`stages`, with consecutive ones that differ in nothing but their evaluations as one."""
    found: list[StageFacts] = []
    for stage in stages:
        if found and dataclasses.replace(found[-1], evaluations=stage.evaluations) == stage:
            stage = dataclasses.replace(stage, evaluations=found.pop().evaluations + stage.evaluations)
        found.append(stage)
    return tuple(found)
