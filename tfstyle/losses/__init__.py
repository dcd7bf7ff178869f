"""The losses, as terms that can be added and scaled: `content + 1e4 * style + 10 * variation`."""

from tfstyle.losses.balance import relative
from tfstyle.losses.content import ContentLoss
from tfstyle.losses.from_options import loss_from_options, split_loss_from_options
from tfstyle.losses.gamut import GamutPenalty
from tfstyle.losses.gram import GramLoss
from tfstyle.losses.layer_neighbours import LayerNeighboursLoss
from tfstyle.losses.loss import Loss, Part, Parts, Weighted
from tfstyle.losses.moments import MomentsLoss
from tfstyle.losses.neighbours import NeighboursLoss
from tfstyle.losses.squared_variation import SquaredVariation
from tfstyle.losses.temporal import TemporalLoss
from tfstyle.losses.term import (
    IMAGE,
    FeatureTerm,
    ImageTerm,
    LocalTerm,
    MatchedTerm,
    Metrics,
    PooledTerm,
    ReferenceTerm,
    Term,
)
from tfstyle.losses.total_variation import TotalVariation
from tfstyle.losses.wasserstein import WassersteinLoss

__all__ = [
    "IMAGE",
    "ContentLoss",
    "FeatureTerm",
    "GamutPenalty",
    "GramLoss",
    "ImageTerm",
    "LayerNeighboursLoss",
    "LocalTerm",
    "Loss",
    "MatchedTerm",
    "Metrics",
    "MomentsLoss",
    "NeighboursLoss",
    "Part",
    "Parts",
    "PooledTerm",
    "ReferenceTerm",
    "SquaredVariation",
    "TemporalLoss",
    "Term",
    "TotalVariation",
    "WassersteinLoss",
    "Weighted",
    "loss_from_options",
    "relative",
    "split_loss_from_options",
]
