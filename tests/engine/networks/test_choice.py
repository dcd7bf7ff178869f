"""The choice of the network, the source of its weights, and the errors when they are unavailable."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from tfstyle.errors import WeightsError
from tfstyle.networks import at_hand, choice, lite
from tfstyle.networks.choice import Choice, choose_network
from tfstyle.networks.network import Network


def load_network(name: str, weights: str | None = None) -> Network:
    return choice.load_network(choose_network(name, weights), weights)


def test_a_named_network_is_used_without_a_note() -> None:
    assert choose_network("vgg19") == Choice("vgg19", "")
    assert choose_network("vgg19-lite") == Choice("vgg19-lite", "")


def test_auto_chooses_lite_without_weights_and_explains_how_to_get_vgg19() -> None:
    network = load_network("auto")
    assert network.name == "vgg19-lite"
    assert len(network.digest) == 64
    note = choose_network("auto").note
    assert "--weights" in note
    assert "\n" not in note


def test_missing_weights_file_is_an_error() -> None:
    with pytest.raises(WeightsError, match=r"weights: there is no file /no/such\.h5"):
        load_network("vgg19", "/no/such.h5")
    with pytest.raises(WeightsError, match="weights: there is no file"):
        load_network("auto", "/no/such.h5")


@pytest.mark.parametrize("damage", ["not hdf5", "empty", "another network"])
def test_damaged_weights_file_is_rejected_with_a_one_line_message(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "weights.h5"
    if damage == "another network":
        with h5py.File(file, "w") as h5:
            h5.attrs["layer_names"] = [b"dense"]
            h5.create_group("dense").attrs["weight_names"] = [b"dense/kernel:0"]
            h5["dense"]["dense/kernel:0"] = np.zeros((2, 2), np.float32)
    else:
        file.write_bytes(b"" if damage == "empty" else b"not a weights file" * 100)
    with pytest.raises(WeightsError) as caught:
        load_network("vgg19", str(file))
    assert str(caught.value).startswith(f"weights: {file} is not a readable VGG19 file")
    assert "\n" not in str(caught.value)


def test_failed_download_is_an_error_that_lists_alternatives(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(**_: object) -> None:
        raise OSError("URL fetch failure: no network")

    monkeypatch.setattr(keras.applications, "VGG19", offline)
    with pytest.raises(WeightsError, match=r"network: VGG19's weights could not be downloaded .*no network.*--weights"):
        load_network("vgg19")


def test_damaged_installation_is_detected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (at_hand.LITE_FILE, at_hand.LITE_DIGEST_FILE):
        shutil.copy(Path(lite.__file__).parent / name, tmp_path)
    data = bytearray((tmp_path / at_hand.LITE_FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / at_hand.LITE_FILE).write_bytes(data)
    monkeypatch.setattr(lite, "files", lambda _: tmp_path)
    with pytest.raises(WeightsError, match="is damaged; reinstall"):
        lite.load_lite()


def test_weights_come_from_argument_environment_or_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert at_hand.path_at_hand(None) is None
    cached = tmp_path / "models" / at_hand.CACHED_NAME
    cached.parent.mkdir()
    cached.touch()
    assert at_hand.path_at_hand(None) == cached
    named, given = tmp_path / "named.h5", tmp_path / "given.h5"
    named.touch()
    given.touch()
    monkeypatch.setenv("TFSTYLE_WEIGHTS", str(named))
    assert at_hand.path_at_hand(None) == named
    assert at_hand.path_at_hand(str(given)) == given


def test_auto_chooses_vgg19_if_its_weights_are_available(vgg19_weights: Path) -> None:
    file = str(vgg19_weights)
    network = load_network("auto", file)
    assert network.name == "vgg19"
    assert choose_network("auto", file).note.startswith(f"network vgg19 from {file}")
    assert len(network.layers) == 16
