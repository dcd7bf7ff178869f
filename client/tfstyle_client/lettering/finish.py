"""From the result of a transfer to the letters as they are delivered."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, PngImagePlugin

from tfstyle.xmp_in_files import find_packet
from tfstyle_client.lettering.cut_out import cut_out
from tfstyle_client.lettering.kept_words import CHUNK, Colour, KeptWords, kept_words, with_words
from tfstyle_client.lettering.recipe import TRANSPARENT, Words
from tfstyle_client.lettering.stencil import Stencil


@dataclass(frozen=True)
class Finish:
    """What is made of the result of a transfer that has painted `words`.

    `paper` is the colour of the ground while they are painted, None for a ground that is painted too.
    """

    words: Words
    stencil: Stencil
    paper: Colour | None

    def apply(self, png: bytes) -> bytes:
        """The result as it is delivered: with a painted ground as it is, else cut out of the ground.

        The letters are then put on the background if that is a colour. A file that says how it was made says the words
        too. Raises ValueError or OSError for a picture of another size, or none.
        """
        made = png if self.paper is None else self._cut_out(png, self.paper)
        return made if find_packet(png) is None else with_words(made, self._kept)

    def _cut_out(self, png: bytes, paper: Colour) -> bytes:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as result:
            if result.size != self.stencil.size:
                raise ValueError(f"the sheet has {self.stencil.size} pixels, and the picture {result.size}")
            result.load()
            letters = cut_out(result.convert("RGB"), paper, self.stencil)
            if self.words.background != TRANSPARENT:
                letters = Image.alpha_composite(Image.new("RGBA", letters.size, paper), letters).convert("RGB")
            buffer = io.BytesIO()
            letters.save(buffer, "PNG", pnginfo=_texts(result), icc_profile=result.info.get("icc_profile"))
            return buffer.getvalue()

    def chunks(self) -> PngImagePlugin.PngInfo:
        """What the sheet's file has of it, so that `finish_of` finds it there."""
        chunks = PngImagePlugin.PngInfo()
        chunks.add(CHUNK, self._kept.chunk(self.stencil.png()))
        return chunks

    @property
    def _kept(self) -> KeptWords:
        return KeptWords(self.words, self.stencil.font_size, self.stencil.reach, self.paper)


def finish_of(sheet: bytes) -> Finish | None:
    """The finish of a sheet's file, the content picture of a transfer; None where it is no sheet, or is damaged."""
    found = kept_words(sheet)
    if found is None:
        return None
    kept, stencil = found
    try:
        return Finish(kept.words, Stencil.of_png(stencil, kept.font_size, kept.reach), kept.paper)
    except (OSError, ValueError, SyntaxError):
        return None


def _texts(result: Image.Image) -> PngImagePlugin.PngInfo:
    """What a PNG says about itself, so that another one says it too."""
    texts = PngImagePlugin.PngInfo()
    for name, text in getattr(result, "text", {}).items():
        texts.add_itxt(name, text)
    return texts
