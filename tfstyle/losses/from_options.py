"""The loss that a transfer's options define."""

from __future__ import annotations

from tfstyle.losses.content import ContentLoss
from tfstyle.losses.gamut import GamutPenalty
from tfstyle.losses.gram import GramLoss
from tfstyle.losses.loss import Loss
from tfstyle.losses.total_variation import TotalVariation
from tfstyle.options import TransferOptions


def loss_from_options(options: TransferOptions) -> Loss:
    """Content, style, total variation and gamut penalty with the weights of `options`.

    A term with weight 0 stays in the loss, so that its value is reported and the compiled objective can be shared.
    """
    return (
        options.content_weight * ContentLoss(options.content_layers)
        + options.style_weight * GramLoss(options.style_layers)
        + options.tv_weight * TotalVariation()
        + options.gamut_weight * GamutPenalty()
    )
