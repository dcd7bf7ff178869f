"""Match the colours of one picture to those of another, and paint only the lightness of a picture.

Two ways to keep a photo's colours (Gatys et al. 2016, arXiv 1606.05897): the style picture gets them before the
transfer, or only lightness is painted and the photo's chroma is put back afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tfstyle.colour import BRIGHTEST, DARKEST, LUMA

LEAST_VARIANCE = 1e-5
"""Added to variances of standardised RGB, so that a picture of one colour can be matched."""


@dataclass(frozen=True)
class Colours:
    """The distribution of colours: `mean` [3] and `covariance` [3, 3] of standardised RGB, float64."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def colours_of(image: NDArray[np.float32], weights: NDArray[np.float32] | None = None) -> Colours:
    """The colours of a standardised `image` [1, h, w, 3], whose pixels count by `weights` [h, w] (None: 1)."""
    flat = image.reshape(-1, 3).astype(np.float64)
    counts = None if weights is None else weights.ravel().astype(np.float64)
    return Colours(np.average(flat, 0, counts), np.cov(flat.T, bias=True, aweights=counts))


@dataclass(frozen=True)
class ColourMatch:
    """The linear map that gives a picture with the colours `own` the mean and covariance of `wanted`.

    Of all such maps it is the one that changes colours least, as the optimal transport between Gaussians does (Pitié
    and Kokaram 2007). What leaves the sRGB gamut is clipped.
    """

    own: Colours
    wanted: Colours

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """The standardised `image` [1, h, w, 3] in its new colours."""
        flat = image.reshape(-1, 3) - self.own.mean.astype(np.float32)
        moved = flat @ self._matrix().T.astype(np.float32) + self.wanted.mean.astype(np.float32)
        clipped: NDArray[np.float32] = np.clip(moved, DARKEST, BRIGHTEST).astype(np.float32)
        return clipped.reshape(image.shape)

    def _matrix(self) -> NDArray[np.float64]:
        """A = S^-1/2 (S^1/2 T S^1/2)^1/2 S^-1/2 with A S A = T, for the covariances S (own) and T (wanted)."""
        ridge = LEAST_VARIANCE * np.eye(3)
        root = _root(self.own.covariance + ridge)
        inverse = np.linalg.inv(root)
        return inverse @ _root(root @ (self.wanted.covariance + ridge) @ root) @ inverse


def _root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric square root of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    root: NDArray[np.float64] = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root


def relit(colours: NDArray[np.float32], luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """`colours` [h, w, 3] with the lightness `luma` [h, w], all in sRGB from 0 to 1.

    Every colour keeps its hue. Where it would leave the gamut at its new lightness, it gets less saturated.
    """
    chroma = colours - (colours @ LUMA)[..., None]
    above = np.divide((1 - luma)[..., None], chroma, out=np.ones_like(chroma), where=chroma > 0)
    below = np.divide(luma[..., None], -chroma, out=np.ones_like(chroma), where=chroma < 0)
    share = np.minimum(above, below).min(2, keepdims=True).clip(0, 1)
    shown: NDArray[np.float32] = luma[..., None] + share * chroma
    return shown
