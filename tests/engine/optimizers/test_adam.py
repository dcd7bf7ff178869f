"""Adam, compared with algorithm 1 of its paper in float64."""

from __future__ import annotations

import numpy as np

from tfstyle.optimizers.adam import Adam

RANDOM = np.random.default_rng(0)


def test_adam_follows_the_paper_and_the_decay_schedule() -> None:
    start = RANDOM.normal(size=50).astype(np.float32)
    gradients = RANDOM.normal(size=(12, 50)).astype(np.float32)
    adam = Adam(start, 0.3, 0.8, 5)
    x, m, v = start.astype(float), np.zeros(50), np.zeros(50)
    for t, gradient in enumerate(gradients.astype(float), 1):
        np.testing.assert_allclose(adam.ask(), x, atol=2e-5)
        assert adam.tell(0.0, gradient.astype(np.float32))
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        rate = 0.3 * 0.8 ** ((t - 1) // 5)
        x = x - rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(adam.point, x, atol=2e-5)


def test_restored_state_continues_bit_for_bit() -> None:
    def run(adam: Adam, gradients: np.ndarray) -> None:
        for gradient in gradients:
            adam.tell(0.0, gradient)

    gradients = RANDOM.normal(size=(9, 20)).astype(np.float32)
    whole, first, second = (Adam(np.zeros(20, np.float32), 0.3, 0.8, 4) for _ in range(3))
    run(whole, gradients)
    run(first, gradients[:4])
    second.restore(first.state())
    run(second, gradients[4:])
    np.testing.assert_array_equal(second.point, whole.point)
