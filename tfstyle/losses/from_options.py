"""The loss that a transfer's options define."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tfstyle.borders import Wraps, wraps_of
from tfstyle.losses.content import ContentLoss
from tfstyle.losses.gamut import GamutPenalty
from tfstyle.losses.gram import GramLoss
from tfstyle.losses.layer_neighbours import LayerNeighboursLoss
from tfstyle.losses.loss import Loss, Weighted
from tfstyle.losses.moments import MomentsLoss
from tfstyle.losses.neighbours import HELD_COLUMNS, MOST_COLUMNS, NeighboursLoss
from tfstyle.losses.squared_variation import SquaredVariation
from tfstyle.losses.temporal import TemporalLoss
from tfstyle.losses.term import FeatureTerm, ImageTerm
from tfstyle.losses.total_variation import TotalVariation
from tfstyle.losses.wasserstein import WassersteinLoss
from tfstyle.options import TransferOptions

VARIATIONS: dict[str, Callable[[Wraps], ImageTerm]] = {"absolute": TotalVariation, "squared": SquaredVariation}
"""{`tv_form`: the term}."""
StyleLoss = Callable[[TransferOptions, bool], Loss]
"""The style's part of the loss: (options, whether the picture is held to an earlier one) -> loss."""
NEIGHBOURS = 3.0
"""Weight of the neighbours beside the Wasserstein loss, as a multiple of `style_weight`, chosen by eye."""


def loss_from_options(options: TransferOptions, style_loss: str | None = None, *, earlier: int = 0) -> Loss:
    """Content, style, total variation and gamut penalty with the weights of `options`.

    `style_loss` is one of `options.style_losses`; None for the first of them. The loss of a picture that follows some
    `earlier` results has the temporal loss too.

    A term with weight 0 stays in the loss, so that its value is reported and the traced objective can be shared.
    """
    style = STYLE_LOSSES[style_loss or options.style_losses[0]](options, earlier > 0)
    return _with_style(options, style, earlier)


def split_loss_from_options(options: TransferOptions, *, earlier: int = 0) -> Loss:
    """The same for the `split_evaluations`, in which each layer has its own neighbours.

    The mean over the layers has the size of the distance of hypercolumns, which the layers divide.
    """
    layers, weights = options.style_layers, options.style_layer_weights
    mean = (1 / len(layers)) * _layered(LayerNeighboursLoss(layers), weights)
    return _with_style(options, _beside_statistics(options, mean), earlier)


def _with_style(options: TransferOptions, style: Loss, earlier: int) -> Loss:
    loss = (
        options.content_weight * _layered(ContentLoss(options.content_layers), options.content_layer_weights)
        + options.style_weight * style
        + options.tv_weight * VARIATIONS[options.tv_form](wraps_of(options.seamless))
        + options.gamut_weight * GamutPenalty()
    )
    return loss + options.temporal_weight * TemporalLoss() if earlier else loss


def _statistics(term: Callable[[tuple[str, ...]], FeatureTerm]) -> StyleLoss:
    return lambda options, held: _layered(term(options.style_layers), options.style_layer_weights)


def _neighbours(options: TransferOptions, held: bool) -> Loss:
    # The layers' weights belong to the hypercolumns, which are compared as a whole.
    most = HELD_COLUMNS if held else MOST_COLUMNS
    layers, weights, wraps = options.style_layers, options.style_layer_weights, wraps_of(options.seamless)
    return _beside_statistics(options, 1.0 * NeighboursLoss(layers, weights, wraps, most))


def _beside_statistics(options: TransferOptions, neighbours: Loss) -> Loss:
    """Neighbours have the painting's directions in the space of features; contrast and colour need its statistics."""
    return NEIGHBOURS * neighbours + _layered(WassersteinLoss(options.style_layers), options.style_layer_weights)


def _layered(term: FeatureTerm, weights: Sequence[float]) -> Loss:
    factors = dict(zip(term.layers, weights, strict=True)) if weights else {}
    return Loss({term.name: Weighted(term, 1.0, factors)})


STYLE_LOSSES: Mapping[str, StyleLoss] = {
    "gram": _statistics(GramLoss),
    "moments": _statistics(MomentsLoss),
    "wasserstein": _statistics(WassersteinLoss),
    "neighbours": _neighbours,
}
"""{`style_loss`, but for auto: the style's part of the loss}."""
