"""Links between documents lead somewhere."""

from __future__ import annotations

import re

import pytest

from conftest import REPOSITORY
from documents import FOLDER

DOCUMENTS = sorted([*FOLDER.glob("*.md"), REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"])


def headings(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings(document) -> None:
    text = document.read_text("utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", link):
            continue
        path, _, heading = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not heading or heading in headings(target.read_text("utf-8")), link
