"""The token file: what an editor, a renewal or its deletion does to it while the server runs."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tfstyle_server.security import Gate, SecurityOptions, UnauthenticatedError
from tfstyle_server.tokens import SecurityError, TokenFile, hash_of, new_token


def test_file_of_the_same_size_and_time_is_read_again(tmp_path: Path) -> None:
    file, other = tmp_path / "tokens", tmp_path / "other"
    first, second = new_token("ann", file), new_token("bob", other)
    tokens = TokenFile(file)
    former = file.stat()
    os.utime(other, ns=(former.st_atime_ns, former.st_mtime_ns))
    assert other.stat().st_size == former.st_size
    other.replace(file)
    assert (tokens.owner(hash_of(first)), tokens.owner(hash_of(second))) == (None, "bob")


def test_deletion_denies_everybody_and_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "tokens"
    token = hash_of(new_token("ann", file))
    tokens, saved = TokenFile(file), file.read_bytes()
    file.unlink()
    with caplog.at_level(logging.INFO):
        assert [tokens.owner(token) for _ in range(5)] == [None] * 5
    assert [record.message for record in caplog.records] == [f"tokens: {file} is gone; no token is valid"]
    file.write_bytes(saved)
    assert tokens.owner(token) == "ann"
    file.unlink()
    with caplog.at_level(logging.INFO):
        assert tokens.owner(token) is None
    assert len(caplog.records) == 2, "it is another deletion"


def test_pipe_in_place_of_the_file_holds_nothing_up(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    token = hash_of(new_token("ann", file))
    tokens = TokenFile(file)
    file.unlink()
    os.mkfifo(file)
    assert tokens.owner(token) == "ann"
    with pytest.raises(SecurityError, match="tokens: cannot read"):
        TokenFile(file)


def test_unreadable_file_changes_nothing_and_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "tokens"
    token = hash_of(new_token("ann", file))
    tokens = TokenFile(file)
    file.unlink()
    file.mkdir()
    with caplog.at_level(logging.INFO):
        assert [tokens.owner(token) for _ in range(3)] == ["ann"] * 3
    (record,) = caplog.records
    assert "what was read before remains valid" in record.message


def test_tokens_change_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    first = new_token("ann", file)
    assert first not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0, "for the server's eyes only"
    gate = Gate(SecurityOptions(tokens=file))

    def owner(token: str) -> str:
        return gate.caller([("authorization", f"Bearer {token}")], {}).owner

    assert owner(first) == "ann"
    second = new_token("ann", file)
    assert (owner(first), owner(second)) == ("ann", "ann")
    file.write_text("# nobody\n\nnonsense\n")
    for gone in (first, second):
        with pytest.raises(UnauthenticatedError):
            owner(gone)
    for metadata in ([], [("authorization", "Basic x")], [("authorization", f"Bearer {first}")] * 2):
        with pytest.raises(UnauthenticatedError):
            gate.caller(metadata, {})
    with pytest.raises(SecurityError, match="name"):
        new_token("a b", file)
    with pytest.raises(SecurityError, match="tokens: cannot read"):
        Gate(SecurityOptions(tokens=tmp_path / "none"))


def test_token_file_of_an_editor(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    token = new_token("ann", file)
    file.write_bytes(b"\xef\xbb\xbf# J\xc3\xbcrgen's\r\n" + file.read_bytes())  # a byte order mark
    gate = Gate(SecurityOptions(tokens=file))
    assert gate.caller([("authorization", f"Bearer {token}")], {}).owner == "ann"
    good = file.read_bytes()
    for line in ("jürgen".encode(), good.decode("utf-8").encode("utf-16")):
        file.write_bytes(b"# first\n" + line)
        with pytest.raises(SecurityError, match=r"tokens: line 2 of .* has a character that is not ASCII"):
            Gate(SecurityOptions(tokens=file))
        assert gate.caller([("authorization", f"Bearer {token}")], {}).owner == "ann", (
            "what was read before remains valid"
        )
    with pytest.raises(SecurityError, match="name: must be 1 to 64 ASCII letters"):
        new_token("jürgen", file)


def test_tokens_made_at_once_are_all_kept(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda index: new_token(f"caller{index}", file), range(40)))
    gate = Gate(SecurityOptions(tokens=file))
    assert [gate.caller([("authorization", f"Bearer {token}")], {}).owner for token in tokens] == [
        f"caller{index}" for index in range(40)
    ]
    assert list(tmp_path.iterdir()) == [file]


def test_token_is_added_without_changing_who_may_read_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    new_token("ann", file)
    file.chmod(0o640)
    new_token("bob", file)
    assert file.stat().st_mode & 0o777 == 0o640
