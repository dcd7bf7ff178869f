"""TensorFlow's settings for GPUs, without one."""

from __future__ import annotations

from typing import Any

import pytest

from tfstyle.tensorflow_backend import share_gpus, tf


@pytest.mark.parametrize("error", [None, RuntimeError("is in use"), ValueError("is divided")])
def test_memory_grows_unless_the_program_has_decided(error: Exception | None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def set_memory_growth(gpu: str, enable: bool) -> None:
        asked.append((gpu, enable))
        if error is not None:
            raise error

    def visible(kind: str) -> list[Any]:
        return ["first", "second"] if kind == "GPU" else []

    monkeypatch.setattr(tf.config, "get_visible_devices", visible)
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", set_memory_growth)
    share_gpus()
    assert asked == [("first", True), ("second", True)]
