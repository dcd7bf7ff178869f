"""The loss that a transfer's options define."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tfstyle.losses.content import ContentLoss
from tfstyle.losses.gamut import GamutPenalty
from tfstyle.losses.gram import GramLoss
from tfstyle.losses.loss import Loss, Weighted
from tfstyle.losses.moments import MomentsLoss
from tfstyle.losses.squared_variation import SquaredVariation
from tfstyle.losses.term import FeatureTerm, ImageTerm
from tfstyle.losses.total_variation import TotalVariation
from tfstyle.losses.wasserstein import WassersteinLoss
from tfstyle.options import TransferOptions

STYLE_LOSSES: Mapping[str, Callable[[tuple[str, ...]], FeatureTerm]] = {
    "gram": GramLoss,
    "moments": MomentsLoss,
    "wasserstein": WassersteinLoss,
}
"""{`style_loss`: the term, from its layers}."""
VARIATIONS: dict[str, type[ImageTerm]] = {"absolute": TotalVariation, "squared": SquaredVariation}
"""{`tv_form`: the term}."""


def loss_from_options(options: TransferOptions) -> Loss:
    """Content, style, total variation and gamut penalty with the weights of `options`.

    A term with weight 0 stays in the loss, so that its value is reported and the traced objective can be shared.
    """
    return (
        options.content_weight * _layered(ContentLoss(options.content_layers), options.content_layer_weights)
        + options.style_weight
        * _layered(STYLE_LOSSES[options.style_loss](options.style_layers), options.style_layer_weights)
        + options.tv_weight * VARIATIONS[options.tv_form]()
        + options.gamut_weight * GamutPenalty()
    )


def _layered(term: FeatureTerm, weights: Sequence[float]) -> Loss:
    factors = dict(zip(term.layers, weights, strict=True)) if weights else {}
    return Loss({term.name: Weighted(term, 1.0, factors)})
