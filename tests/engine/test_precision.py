"""The choice of the precision, and how far bfloat16 is from float32."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import tfstyle
from tfstyle import precision
from tfstyle.checkpoint import read_checkpoint
from tfstyle.engine import Engine
from tfstyle.images import Picture
from tfstyle.inputs import content_and_style
from tfstyle.losses import (
    ContentLoss,
    GamutPenalty,
    GramLoss,
    Loss,
    MomentsLoss,
    SquaredVariation,
    TotalVariation,
    WassersteinLoss,
    relative,
)
from tfstyle.networks.lite import load_lite
from tfstyle.objective import Evaluation, Objective, WholeObjective, style_targets
from tfstyle.precision import BFLOAT16, FLOAT32, choose_precision
from tfstyle.presets import resolve_options
from tfstyle.pyramid import Pyramid
from tfstyle.tensorflow_backend import tf
from tfstyle.tiled.objective import TiledObjective

LAYERS = tuple(f"block{block}_conv1" for block in range(1, 6))
NETWORK = load_lite()
PYRAMID = Pyramid(90, 120, 4, 1.0)
BALANCED = ContentLoss(("block4_conv2",)) + SquaredVariation() + 10 * GamutPenalty()
LOSSES = {
    "wasserstein": BALANCED + 2 * WassersteinLoss(LAYERS),
    "moments": BALANCED + 2 * MomentsLoss(LAYERS),
    "gram": ContentLoss(("block4_conv4",)) + 1e4 * GramLoss(LAYERS) + 10 * TotalVariation(),
}


def processor_with(monkeypatch: pytest.MonkeyPatch, *instructions: str) -> None:
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    monkeypatch.setattr(precision, "instructions", lambda: frozenset(instructions))
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [])


@pytest.mark.parametrize("instruction", ["amx_bf16", "avx512_bf16"])
def test_auto_takes_bfloat16_where_the_processor_multiplies_it(
    instruction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor_with(monkeypatch, "avx512f", instruction)
    chosen = choose_precision()
    assert (chosen.name, chosen.note) == (BFLOAT16, "")


def test_auto_falls_back_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    processor_with(monkeypatch, "avx2", "avx512f")
    chosen = choose_precision()
    assert chosen.name == FLOAT32
    assert "neither AMX nor AVX512_BF16" in chosen.note
    processor_with(monkeypatch, "amx_bf16")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    chosen = choose_precision()
    assert (chosen.name, chosen.note[:42]) == (FLOAT32, "precision float32: TF_ENABLE_ONEDNN_OPTS e")


def test_what_is_asked_for_is_taken_and_bfloat16_is_warned_of_where_it_is_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    processor_with(monkeypatch)
    slow = choose_precision(BFLOAT16)
    assert (slow.name, slow.note[:45]) == (BFLOAT16, "precision bfloat16 is slower than float32 her")
    assert choose_precision(FLOAT32).note == ""
    processor_with(monkeypatch, "amx_bf16")
    assert choose_precision(BFLOAT16).note == ""
    assert choose_precision(FLOAT32) == precision.Precision(FLOAT32)


@pytest.mark.parametrize(("capability", "name"), [((7, 5), FLOAT32), ((8, 0), BFLOAT16), ((9, 0), BFLOAT16)])
def test_a_gpu_decides_before_the_processor(
    capability: tuple[int, int], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor_with(monkeypatch, "amx_bf16")
    details = SimpleNamespace(get_device_details=lambda gpu: {"compute_capability": capability})
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: ["a GPU"])
    monkeypatch.setattr(tf.config, "experimental", details)
    assert choose_precision().name == name


WITHOUT_ONEDNN = """
import sys
import tfstyle
from pathlib import Path
made = tfstyle.stylize(*(Path(path).read_bytes() for path in sys.argv[1:]), size=48, steps=3, precision="bfloat16")
print(made.delivered.total, tfstyle.precision.choose_precision("bfloat16").note, sep=";")
"""


@pytest.mark.slow
def test_bfloat16_is_slow_but_right_without_onednn(landscape: bytes, painting: bytes, tmp_path: Path) -> None:
    names = ("photo", "painting")
    for name, data in zip(names, (landscape, painting), strict=True):
        (tmp_path / name).write_bytes(data)
    command = [sys.executable, "-c", WITHOUT_ONEDNN, *names]
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    total, note = ended.stdout.strip().split(";")
    exact = tfstyle.stylize(landscape, painting, size=48, steps=3, precision=FLOAT32)
    assert float(total) == pytest.approx(exact.delivered.total, rel=0.02)
    assert note.startswith("precision bfloat16 is slower than float32 here")


def evaluation(objective: Objective, loss: Loss, *, balanced: bool) -> Evaluation:
    random = np.random.default_rng(0)
    smooth = random.normal(0, 1, (2, 12, 16, 3)).astype(np.float32)
    photo, painting = (tf.image.resize(image[None], (90, 120)).numpy() for image in smooth)
    painting += random.normal(0, 0.3, painting.shape).astype(np.float32)
    statistics = objective.style_statistics(painting, None)
    targets = {**objective.content_targets(photo), **style_targets(loss.terms, statistics, NETWORK.metrics)}
    loss = relative(loss, targets, NETWORK.metrics) if balanced else loss
    return objective(PYRAMID.variables((photo + painting) / 2), targets, loss)


def close(found: Evaluation, exact: Evaluation) -> None:
    """The total within 1 %, each part within 2 %, and a gradient that points the same way."""
    assert found.total == pytest.approx(exact.total, rel=0.01)
    for name, part in exact.parts.items():
        assert found.parts[name].weighted == pytest.approx(part.weighted, rel=0.02, abs=1e-3 * exact.total), name
    aligned = found.gradient @ exact.gradient
    assert aligned > 0.995 * np.linalg.norm(found.gradient) * np.linalg.norm(exact.gradient)
    assert np.linalg.norm(found.gradient) == pytest.approx(np.linalg.norm(exact.gradient), rel=0.01)


@pytest.mark.parametrize("name", LOSSES)
def test_bfloat16_gives_nearly_the_losses_and_gradients_of_float32(name: str) -> None:
    loss = LOSSES[name]
    exact, found = (
        evaluation(WholeObjective(NETWORK, PYRAMID, loss.terms, "max", each), loss, balanced=name != "gram")
        for each in (FLOAT32, BFLOAT16)
    )
    assert found.total != exact.total
    close(found, exact)


@pytest.mark.parametrize("whole_from", [3, pytest.param(5, marks=pytest.mark.slow)])
def test_tiled_sizes_take_bfloat16_too(whole_from: int) -> None:
    loss = LOSSES["wasserstein"]
    exact = evaluation(WholeObjective(NETWORK, PYRAMID, loss.terms, "max"), loss, balanced=True)
    tiled = TiledObjective(NETWORK, PYRAMID, whole_from, loss.terms, "max", BFLOAT16)
    close(evaluation(tiled, loss, balanced=True), exact)


@pytest.fixture
def pair(landscape: bytes, painting: bytes) -> tuple[Picture, Picture]:
    return tfstyle.decode(landscape, "content"), tfstyle.decode(painting, "style")


@pytest.mark.slow
def test_a_run_continues_in_the_precision_of_another_machine(
    pair: tuple[Picture, Picture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine()
    options = resolve_options("fast", {"size": 64, "steps": 40, "coarsest_scale": "none"})
    processor_with(monkeypatch, "amx_bf16")
    transfer = engine.prepare(content_and_style(*pair), options)
    for iterate in transfer.iterates():
        if iterate.evaluation == 20:
            transfer.checkpoint(tmp_path / "half.npz")
    half = read_checkpoint(tmp_path / "half.npz")
    same = engine.prepare(content_and_style(*pair), options, half)
    processor_with(monkeypatch, "avx2")
    other = engine.prepare(content_and_style(*pair), options, half)
    assert (other.precision.name, other.evaluations) == (FLOAT32, 20)
    point = other._optimizer.point
    np.testing.assert_array_equal(point, same._optimizer.point)
    assert not np.array_equal(same._optimizer.ask(), point)
    assert np.array_equal(other._optimizer.ask(), point), "its loss is another in this precision"
    assert [iterate.evaluation for iterate in other.iterates()] == list(range(21, 41))
    assert other.deliver().total == pytest.approx(transfer.deliver().total, rel=0.05)


def test_the_file_says_network_and_precision(pair: tuple[Picture, Picture]) -> None:
    options = resolve_options("fast", {"size": 32, "steps": 1, "precision": BFLOAT16})
    transfer = Engine().prepare(content_and_style(*pair), options)
    list(transfer.iterates())
    with Image.open(io.BytesIO(transfer.file(transfer.deliver(), "fast"))) as made:
        assert made.info["Comment"] == "network vgg19-lite, precision bfloat16"
        assert made.info["Software"].startswith("tfstyle ")
