"""The examples of a document, so that tests can run them."""

from __future__ import annotations

import re

from conftest import REPOSITORY

FOLDER = REPOSITORY / "docs"
EXAMPLES = FOLDER / "examples"


def code_block(document: str, language: str, containing: str) -> str:
    """The only block of code in this language in the document that has this text."""
    text = (FOLDER / document).read_text("utf-8")
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    (found,) = [block for block in blocks if containing in block]
    return found
