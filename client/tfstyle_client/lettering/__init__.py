"""Lettering: words drawn with a font, as the pictures of a transfer that paints their letters, and what comes of it.

The engine knows nothing of text: `draw` gives a `Lettering`, its `Sheet` the content picture and the masks, and
`Sheet.finish` the letters on a transparent ground. See docs/lettering.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tfstyle_client.lettering.recipe import ALONE, ON_A_PAINTING, Recipe, Words

if TYPE_CHECKING:
    from tfstyle_client.lettering.drawing import Lettering as Lettering
    from tfstyle_client.lettering.drawing import draw as draw
    from tfstyle_client.lettering.readability import Legibility as Legibility
    from tfstyle_client.lettering.readability import legibility as legibility
    from tfstyle_client.lettering.sheet import Sheet as Sheet
    from tfstyle_client.lettering.typeface import Typeface as Typeface

__all__ = [
    "ALONE",
    "ON_A_PAINTING",
    "Legibility",
    "Lettering",
    "Recipe",
    "Sheet",
    "Typeface",
    "Words",
    "draw",
    "legibility",
]

_WITH_PILLOW = {
    **dict.fromkeys(("Lettering", "draw"), "drawing"),
    **dict.fromkeys(("Legibility", "legibility"), "readability"),
    "Sheet": "sheet",
    "Typeface": "typeface",
}


def __getattr__(name: str) -> Any:
    if name in _WITH_PILLOW:
        return getattr(import_module(f"{__name__}.{_WITH_PILLOW[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
