"""What Ray says of an actor's end, in a few words."""

from __future__ import annotations

from pathlib import Path

import pytest
from ray.exceptions import ActorDiedError, ActorUnavailableError

from tfstyle_server.executors.ray.reasons import one_line, reason

DIED = "The actor died unexpectedly before finishing this task.\n\tclass_name: StyleActor\n"


class DiedError(ActorDiedError):
    """As Ray raises it, with the text that it has there."""

    preempted = False

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return DIED + self.text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "The actor is dead because its worker process has died. Possible causes: (1) the process was killed by the "
            "OOM killer",
            "its process ended",
        ),
        ("The actor died because its node has died. Node Id: ef64", "its node was lost"),
        ("The actor is dead because it was killed by `ray.kill`.", "it was killed"),
        ("The actor is dead because its owner has died. Owner Id: 01", "it died because its owner has died"),
    ],
)
def test_an_end_is_told_in_a_few_words(text: str, wanted: str) -> None:
    assert reason(DiedError(text)) == wanted


def test_other_errors_become_one_line() -> None:
    assert reason(ActorUnavailableError("RpcError", None)) == "it can no longer be reached"
    assert reason(OSError(28, "No space\nleft", str(Path("x")))) == "[Errno 28] No space left: 'x'".replace("\n", " ")
    assert one_line(ValueError()) == "ValueError"
