"""The losses, as terms that add and scale: `content + 1e4 * style + 10 * variation`."""

from tfstyle.losses.content import ContentLoss, sum_of_squares
from tfstyle.losses.gamut import GamutPenalty
from tfstyle.losses.style import StyleLoss, gram_matrix
from tfstyle.losses.term import Synthesis, Term, WeightedSum
from tfstyle.losses.total_variation import TotalVariation

__all__ = [
    "ContentLoss",
    "GamutPenalty",
    "StyleLoss",
    "Synthesis",
    "Term",
    "TotalVariation",
    "WeightedSum",
    "gram_matrix",
    "sum_of_squares",
]
