"""What is wrong with a request, by the path of each field in it."""

from __future__ import annotations

from tfstyle.errors import Violation
from tfstyle.options import RULES


def in_request(violation: Violation) -> Violation:
    """The violation with an engine option's name as its path in a StylizeRequest."""
    prefix = "options." if violation.field in RULES else ""
    return Violation(prefix + violation.field, violation.description)


def in_transfer(violation: Violation) -> Violation:
    """A violation of a StylizeRequest with its path in a CreateJobRequest."""
    return Violation(f"transfer.{violation.field}", violation.description)
