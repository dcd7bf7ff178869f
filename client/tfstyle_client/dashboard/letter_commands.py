"""The command line, and the Python call, that make the same letters as a job."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from tfstyle.rules import number
from tfstyle_client.dashboard.command_parts import Surroundings, flags, given_options, python_options, read
from tfstyle_client.lettering.recipe import ALONE, ON_A_PAINTING, TRANSPARENT, Words


def letter_commands(
    request: Mapping[str, Any], given: Mapping[str, Any], words: Words, where: Surroundings
) -> dict[str, str]:
    """As `commands_of`. `given` are the options beside the preset's."""
    recipe = ALONE if len(request["styles"]) == 1 else ON_A_PAINTING
    paintings = ["painting.jpg"] if recipe is ALONE else ["painting1.jpg", "painting2.jpg"]
    measures = {name: round(value, 4) for name, value in recipe.measures(words).items()}

    preset = request["preset"]
    line = ["tfstyle", "letter", words.text.replace("\n", "\\n"), *paintings, "-o", "picture.png"]
    line += ["--font", "font.ttf"] if words.font else []
    line += flags({name: number(value) for name, value in measures.items()})
    line += ["--background", words.background] if words.background != TRANSPARENT else []
    line += ["--preset", preset] if preset != recipe.preset else []
    line += flags(given_options(request, recipe.overrides(preset, {})))

    drawn = [
        repr(words.text),
        f"Typeface({read('font.ttf') if words.font else ''})",
        f"size={request['options']['size']}",
    ]
    # `draw` has the reach that suits letters alone.
    reach = {} if recipe is ALONE or "reach" in measures else {"reach": recipe.reach}
    drawn += [f"{name}={value!r}" for name, value in {**reach, **measures}.items()]
    painted = [read(painting) for painting in paintings]
    painted += [f"background={words.background!r}"] if words.background != TRANSPARENT else []
    options = ["inputs.content", "inputs.styles", "keep=inputs.keep", *python_options(preset, given)]
    python = [
        "from pathlib import Path",
        "",
        where.imports(),
        "from tfstyle_client.lettering import Sheet, Typeface, draw",
        "",
        f"letters = draw({', '.join(drawn)})",
        f"sheet = Sheet(letters, {', '.join(painted)})",
        "inputs = sheet.inputs",
        where.client(),
        f"    job = client.create({', '.join(options)})",
        '    Path("picture.png").write_bytes(sheet.finish(job.result().png))',
        "",
    ]
    return {"cli": shlex.join([*line, *where.flags()]), "python": "\n".join(python)}
