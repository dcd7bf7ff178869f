"""Empty settings, and hosts that are this machine."""

from __future__ import annotations

import os

import pytest

from tfstyle.environment import drop_empty_settings
from tfstyle.loopback import is_loopback


def test_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TFSTYLE_A", ""), ("TFSTYLE_B", "b"), ("OTHER", "")):
        monkeypatch.setenv(name, value)
    drop_empty_settings()
    assert "TFSTYLE_A" not in os.environ
    assert (os.environ["TFSTYLE_B"], os.environ["OTHER"]) == ("b", "")


@pytest.mark.parametrize("host", ["localhost", "LocalHost.", "a.localhost", "127.0.0.1", "127.8.8.8", "127.1", "::1"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "10.1", "::", "localhost.example.org", "notlocalhost", "127.0.0.1.x", ""])
def test_other_machines(host: str) -> None:
    assert not is_loopback(host)
