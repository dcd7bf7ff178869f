"""Total variation: the roughness of the picture itself."""

from __future__ import annotations

import tensorflow as tf

from tfstyle.losses.term import Synthesis, Term


class TotalVariation(Term):
    """0.5 (mean|x[i+1, j] - x[i, j]| + mean|x[i, j+1] - x[i, j]|) of the standardised picture.

    The anisotropic form of Rudin, Osher and Fatemi 1992, as the reference implementation has it;
    its derivative where two neighbours are equal is taken as 0.
    """

    name = "tv"

    def by_layer(self, synthesis: Synthesis) -> dict[str, tf.Tensor]:
        image = synthesis.image
        down = tf.reduce_mean(tf.abs(image[:, 1:] - image[:, :-1]))
        across = tf.reduce_mean(tf.abs(image[:, :, 1:] - image[:, :, :-1]))
        return {"image": 0.5 * (down + across)}
