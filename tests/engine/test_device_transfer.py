"""Transfers whose optimizer keeps its vectors where TensorFlow computes. The device is this machine's processor."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import tfstyle
from tfstyle import transfer as transfers
from tfstyle.checkpoint import read_checkpoint
from tfstyle.device_variables import DeviceGreyVariables
from tfstyle.engine import Engine
from tfstyle.images import Picture
from tfstyle.inputs import content_and_style
from tfstyle.optimizers.device_history import DeviceHistory
from tfstyle.optimizers.history import HostHistory
from tfstyle.presets import resolve_options
from tfstyle.pyramid import Pyramid
from tfstyle.tensorflow_backend import tf
from tfstyle.transfer import Transfer
from tfstyle.variables import GreyVariables

OPTIONS = resolve_options(
    "fast", {"size": 48, "coarsest_scale": 0, "steps": 10, "precision": "float32", "history_size": 4}
)
STEPS = OPTIONS.max_evaluations


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module")
def pictures(landscape: bytes, painting: bytes) -> tuple[Picture, Picture]:
    return tfstyle.decode(landscape, "content"), tfstyle.decode(painting, "style")


@pytest.fixture
def on_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfers, "has_gpu", lambda: True)


def history_of(transfer: Transfer) -> type:
    return type(transfer._optimizer._history)


def finished(transfer: Transfer) -> tuple[list[float], np.ndarray]:
    totals = [iterate.total for iterate in transfer.iterates()]
    return totals, transfer.deliver().picture.pixels


def test_the_picture_is_the_processors_to_rounding(
    engine: Engine, pictures: tuple[Picture, Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = content_and_style(*pictures)
    host = engine.prepare(inputs, OPTIONS)
    assert history_of(host) is HostHistory
    totals, pixels = finished(host)
    monkeypatch.setattr(transfers, "has_gpu", lambda: True)
    device = engine.prepare(inputs, OPTIONS)
    assert history_of(device) is DeviceHistory
    evaluation = device._evaluate(device._optimizer.ask())
    assert tf.is_tensor(evaluation.gradient), "the gradient does not pass through NumPy"
    totals_there, pixels_there = finished(device)
    np.testing.assert_allclose(totals_there, totals, rtol=2e-3)
    assert np.abs(pixels_there.astype(int) - pixels).mean() < 0.5


def test_a_grey_pair_stays_grey(engine: Engine, pictures: tuple[Picture, Picture], on_gpu: None) -> None:
    def grey(picture: Picture) -> Picture:
        return dataclasses.replace(picture, pixels=np.repeat(picture.pixels[..., 1:2], 3, axis=2))

    transfer = engine.prepare(content_and_style(*map(grey, pictures)), OPTIONS)
    totals, pixels = finished(transfer)
    assert totals[-1] < totals[0]
    assert np.ptp(pixels.astype(int), axis=2).max() == 0
    assert pixels.std() > 10


@pytest.mark.parametrize(
    ("writer", "reader"),
    [(True, True), *(pytest.param(*each, marks=pytest.mark.slow) for each in ((True, False), (False, True)))],
)
def test_a_checkpoint_goes_on_where_it_was_written_or_elsewhere(
    writer: bool,
    reader: bool,
    engine: Engine,
    pictures: tuple[Picture, Picture],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inputs = content_and_style(*pictures)
    monkeypatch.setattr(transfers, "has_gpu", lambda: writer)
    whole = engine.prepare(inputs, OPTIONS)
    totals = []
    for iterate in whole.iterates():
        totals.append(iterate.total)
        if iterate.evaluation == STEPS - 3:
            whole.checkpoint(tmp_path / "checkpoint")
    monkeypatch.setattr(transfers, "has_gpu", lambda: reader)
    resumed = engine.prepare(inputs, OPTIONS, read_checkpoint(tmp_path / "checkpoint"))
    assert history_of(resumed) is (DeviceHistory if reader else HostHistory)
    rest = [iterate.total for iterate in resumed.iterates()]
    if writer == reader:
        assert rest == totals[-3:]
        np.testing.assert_array_equal(resumed.deliver().picture.pixels, whole.deliver().picture.pixels)
    else:
        np.testing.assert_allclose(rest, totals[-3:], rtol=1e-3)


def test_tiles_keep_the_vectors_on_the_processor(pictures: tuple[Picture, Picture], on_gpu: None) -> None:
    options = resolve_options("fast", {"size": 480, "coarsest_scale": 0, "steps": 1, "history_size": 3})
    transfer = Engine(memory=330 * 10**6).prepare(content_and_style(*pictures), options)
    assert transfer.estimate.tiled
    assert history_of(transfer) is HostHistory


@pytest.mark.parametrize("levels", [1, 4])
def test_grey_variables_are_the_same_as_arrays_and_as_tensors(levels: int) -> None:
    random = np.random.default_rng(1)
    pyramid = Pyramid(19, 26, levels, 1.0)
    host, device = GreyVariables(pyramid), DeviceGreyVariables(pyramid)
    variables = random.normal(size=pyramid.size // 3).astype(np.float32)
    by_pyramid = random.normal(size=pyramid.size).astype(np.float32)
    np.testing.assert_allclose(device.expand(tf.constant(variables)), host.expand(variables), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        device.gradient(tf.constant(by_pyramid)), host.gradient(by_pyramid), rtol=1e-5, atol=1e-5
    )
