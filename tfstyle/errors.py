"""The errors that tfstyle raises on purpose; any other exception is a bug."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """One invalid input: the public name of the `field`, and what is wrong with it."""

    field: str
    description: str

    def __str__(self) -> str:
        return f"{self.field}: {self.description}"


class TfstyleError(Exception):
    """Base class of every error that tfstyle raises on purpose. `str()` gives a one-line message for the user."""


class InvalidInputError(TfstyleError, ValueError):
    """Options or pictures that cannot be used. `violations` names each field and the fix."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__(self.violations)

    def __str__(self) -> str:
        return "; ".join(map(str, self.violations))


class WeightsError(TfstyleError):
    """The weights of a network are missing, damaged, or belong to another network."""


class OutOfMemoryError(TfstyleError):
    """The memory of the device, or of the machine, did not suffice while a transfer ran."""


class PartyLostError(TfstyleError):
    """A party that computed a part of a picture has gone, and with it what it kept; `str()` of it says why."""
