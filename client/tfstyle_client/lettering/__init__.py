"""Lettering: words drawn with a font, as the pictures of a transfer that paints their letters, and what comes of it.

The engine knows nothing of text: `draw` gives a `Lettering`, its `Sheet` the content picture and the masks, and
`Sheet.finish` the letters on a transparent ground. See docs/lettering.md.
"""

from tfstyle_client.lettering.drawing import Lettering, draw
from tfstyle_client.lettering.legibility import Legibility, legibility
from tfstyle_client.lettering.sheet import ALONE, ON_A_PAINTING, Recipe, Sheet
from tfstyle_client.lettering.typeface import Typeface

__all__ = ["ALONE", "ON_A_PAINTING", "Legibility", "Lettering", "Recipe", "Sheet", "Typeface", "draw", "legibility"]
