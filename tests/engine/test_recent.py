"""What is kept of the latest computations, and what an engine does not compute twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from tfstyle import Engine, Inputs, Picture, Style, resolve_options
from tfstyle.losses import LayerNeighboursLoss, NeighboursLoss
from tfstyle.networks.lite import load_lite
from tfstyle.objective import WholeObjective
from tfstyle.pyramid import Pyramid
from tfstyle.recent import USES, Recent


class Pair(NamedTuple):
    first: tf.Tensor
    second: tf.Tensor | None


def zeros(count: int, made: list[int]) -> Callable[[], tf.Tensor]:
    def make() -> tf.Tensor:
        made.append(count)
        return tf.zeros([count])

    return make


def test_a_value_is_computed_once_for_its_key() -> None:
    recent, made = Recent(4 * 100), list[int]()
    one, again = recent.of("a", zeros(3, made)), recent.of("a", zeros(3, made))
    assert again is one
    recent.of(("a", 1), zeros(5, made))
    assert made == [3, 5]


def test_what_nobody_asks_for_any_more_gives_way() -> None:
    recent, made = Recent(4 * 10), list[int]()
    recent.of("a", zeros(4, made))
    recent.of("b", zeros(5, made))
    for _ in range(USES):
        recent.of("a", zeros(4, made))
    recent.of("c", zeros(6, made))
    assert made == [4, 5, 6]
    recent.of("a", zeros(4, made))
    recent.of("c", zeros(6, made))
    assert made == [4, 5, 6]
    recent.of("b", zeros(5, made))
    assert made == [4, 5, 6, 5]


def test_of_values_in_turn_some_stay_where_not_all_have_room() -> None:
    recent, made = Recent(4 * 10), list[int]()
    for _ in range(10):
        recent.of("small", zeros(2, made))
        recent.of("one", zeros(7, made))
        recent.of("two", zeros(6, made))
    assert (made.count(2), made.count(7), made.count(6)) == (1, 1, 10)


def test_what_is_too_large_is_not_kept_and_takes_nobody_s_place() -> None:
    recent, made = Recent(4 * 10), list[int]()
    recent.of("a", zeros(10, made))
    recent.of("large", zeros(11, made))
    recent.of("a", zeros(10, made))
    recent.of("large", zeros(11, made))
    assert made == [10, 11, 11]


@pytest.mark.parametrize(
    "value",
    [
        lambda: {"layer": Pair(tf.zeros([6], tf.bfloat16), None), "other": [tf.zeros([7])]},
        lambda: Pair(tf.zeros([5]), tf.zeros([5])),
    ],
)
def test_all_tensors_of_a_value_count(value: Callable[[], Any]) -> None:
    roomy, tight = Recent(40), Recent(39)
    kept, dropped = roomy.of("a", value), tight.of("a", value)
    assert roomy.of("a", value) is kept
    assert tight.of("a", value) is not dropped


PHOTO, OTHER, PAINTING, CANVAS = (
    Picture(np.random.default_rng(seed).integers(0, 256, (48, 72, 3), np.uint8)) for seed in range(4)
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is computed of style pictures."""
    found: list[str] = []

    def record(kind: type, name: str) -> None:
        original = getattr(kind, name)

        def recorded(*given: Any) -> Any:
            found.append(kind.__name__)
            return original(*given)

        monkeypatch.setattr(kind, name, recorded)

    record(NeighboursLoss, "columns")
    record(LayerNeighboursLoss, "columns")
    record(WholeObjective, "style_statistics")
    return found


def painted(engine: Engine, photo: Picture, *styles: Style[Picture], **options: Any) -> np.ndarray:
    chosen = {"size": 72, "steps": 4, "coarsest_scale": 0, "network": "vgg19-lite", **options}
    transfer = engine.prepare(Inputs(photo, styles), resolve_options("default", chosen))
    list(transfer.iterates())
    return transfer.deliver().picture.pixels


def test_the_next_picture_takes_what_is_known_of_the_painting_and_is_the_same(asked: list[str]) -> None:
    engine = Engine()
    painted(engine, PHOTO, Style(PAINTING))
    assert sorted(asked) == ["NeighboursLoss", "WholeObjective"]
    found = painted(engine, OTHER, Style(PAINTING))
    assert len(asked) == 2
    np.testing.assert_array_equal(found, painted(Engine(), OTHER, Style(PAINTING)))


def test_another_painting_is_another_one(asked: list[str]) -> None:
    engine = Engine()
    painted(engine, PHOTO, Style(PAINTING))
    found = painted(engine, PHOTO, Style(CANVAS))
    np.testing.assert_array_equal(found, painted(Engine(), PHOTO, Style(CANVAS)))
    assert not np.array_equal(found, painted(engine, PHOTO, Style(PAINTING)))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(options, id=next(iter(options)), marks=[pytest.mark.slow] * (number > 1))
        for number, options in enumerate(
            (
                {"style_scale": 0.5},
                {"precision": "bfloat16"},
                {"pooling": "average"},
                {"padding": "replicate"},
                {"colour": "keep"},
                {"style_layers": ("block2_conv1", "block3_conv1", "block4_conv1")},
                {"split_evaluations": 2},
            )
        )
    ],
)
def test_what_changes_the_painting_s_features_is_computed_anew(options: dict[str, Any]) -> None:
    engine, plain = Engine(), {"precision": "float32"}
    painted(engine, PHOTO, Style(PAINTING), **plain)
    found = painted(engine, PHOTO, Style(PAINTING), **{**plain, **options})
    np.testing.assert_array_equal(found, painted(Engine(), PHOTO, Style(PAINTING), **{**plain, **options}))


def test_the_same_bytes_in_another_shape_are_another_painting() -> None:
    """Stripes, of which the rows of one are those of the other, only more and shorter ones."""
    column = np.tile(np.uint8([[20, 90, 200], [240, 180, 30]]), (24, 1))
    wide, high = (
        Picture(np.ascontiguousarray(np.tile(column[:width], (height, 1, 1)))) for height, width in ((32, 48), (48, 32))
    )
    assert wide.pixels.tobytes() == high.pixels.tobytes()
    engine, options = Engine(), {"style_scale": 1.0}
    painted(engine, PHOTO, Style(wide), **options)
    np.testing.assert_array_equal(
        painted(engine, PHOTO, Style(high), **options), painted(Engine(), PHOTO, Style(high), **options)
    )


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_candidates_are_compared_in_the_precision_of_their_layer(precision: str) -> None:
    layers = "block1_conv1", "block2_conv1"
    objective = WholeObjective(
        load_lite(), Pyramid(48, 72, 1, 1.0), (1.0 * LayerNeighboursLoss(layers)).terms, "max", precision
    )
    found = objective.columns(LayerNeighboursLoss(layers), [(np.zeros((1, 48, 72, 3), np.float32), None)])
    assert [found[layer].narrow[0].dtype.name for layer in layers] == ["float32", precision]


@pytest.mark.slow
def test_a_mask_of_the_painting_is_part_of_it() -> None:
    left = np.zeros((48, 72, 3), np.uint8)
    left[:, :30] = 255
    masked, engine = Style(PAINTING, mask=Picture(left)), Engine()
    painted(engine, PHOTO, Style(PAINTING))
    np.testing.assert_array_equal(painted(engine, PHOTO, masked), painted(Engine(), PHOTO, masked))
