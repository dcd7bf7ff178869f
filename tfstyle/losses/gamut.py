"""The gamut penalty: keeps the picture to colours that can be shown while it is optimised."""

from __future__ import annotations

import tensorflow as tf

from tfstyle.colour import BRIGHTEST, DARKEST
from tfstyle.losses.term import Synthesis, Term


class GamutPenalty(Term):
    """mean(max(0, x - white)^2 + max(0, black - x)^2) of the standardised picture.

    Without it an optimizer leaves the gamut and the clipping of the 8-bit result undoes its work:
    the published method's delivered picture is worth a third of what it reports (design, section 2).
    """

    name = "gamut"

    def by_layer(self, synthesis: Synthesis) -> dict[str, tf.Tensor]:
        image = synthesis.image
        above = tf.nn.relu(image - BRIGHTEST)
        below = tf.nn.relu(DARKEST - image)
        return {"image": tf.reduce_mean(above**2 + below**2)}
