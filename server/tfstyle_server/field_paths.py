"""Where the value that an error complains about stands in the request: the path of its field."""

from __future__ import annotations

from tfstyle.errors import Violation
from tfstyle.inputs import BESIDES
from tfstyle.options import RULES


def in_request(violation: Violation, *, shorthand: bool) -> Violation:
    """A violation that names an option or a picture as the engine does, with the field's path in a StylizeRequest.

    `shorthand` tells whether the request has its pictures in the shorthand fields.
    """
    if violation.field in RULES:
        return Violation(f"options.{violation.field}", violation.description)
    return Violation(of_picture(violation.field, shorthand=shorthand), violation.description)


def in_creation(violation: Violation) -> Violation:
    """A violation of a StylizeRequest, with the field's path in a CreateJobRequest."""
    return Violation(f"transfer.{violation.field}", violation.description)


def in_estimate(violation: Violation) -> Violation:
    """A violation as the engine has it, with the field's path in an EstimateTransferRequest."""
    if violation.field in RULES:
        return in_creation(in_request(violation, shorthand=True))
    style, dot, part = violation.field.partition(".")
    if style == "style":  # the only one
        style = "styles[0]"
    return Violation(style.replace("styles", "style_parts") + dot + part if dot else style, violation.description)


def of_picture(name: str, *, shorthand: bool) -> str:
    """The path of a picture by its name in `Inputs.pictures`, or of another field of `Inputs` such as styles[1].weight.

    Names of anything else are returned as they are.
    """
    if shorthand:
        return name
    owner, dot, field = name.partition(".")
    if owner == "style":  # the only one
        owner = "styles[0]"
    if owner.startswith(("styles[", "temporal[")):
        return f"inputs.{owner}.{field if dot else 'picture'}"
    return f"inputs.{name}" if name in ("content", "styles", "temporal", *BESIDES) else name


def of_image(name: str, *, shorthand: bool) -> str:
    """The path of the field that names the uploaded image for a picture."""
    return f"{name}_image" if shorthand else of_picture(name, shorthand=False)
