"""What a party is asked to compute for an area of a picture.

Answers hold NumPy arrays, never tensors, since parties may be other processes. Keys say which of the areas that a party
has opened is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tfstyle.losses import LocalTerm, PooledTerm, Term
from tfstyle.networks.network import Network
from tfstyle.tiled.areas import Area
from tfstyle.tiled.segment import ByTerm

Map = NDArray[np.float32]


class Key(NamedTuple):
    """The number of a stage, which no other stage in this process has, and that of an area of its picture."""

    stage: int
    area: int


@dataclass(frozen=True)
class Computation:
    """What all areas of a stage have in common; the fields are as in `TiledNetwork`.

    `network` is the digest of one that the party has been given with `Learn`.
    """

    network: str
    whole_from: int
    terms: tuple[tuple[str, Term], ...]
    pooling: str
    precision: str

    @property
    def pooled(self) -> dict[str, PooledTerm]:
        """The pooled terms by their names."""
        return {name: term for name, term in self.terms if isinstance(term, PooledTerm)}

    @property
    def local(self) -> dict[str, LocalTerm]:
        """The local terms by their names."""
        return {name: term for name, term in self.terms if isinstance(term, LocalTerm)}


@dataclass(frozen=True)
class Learn:
    """Keep a network. No answer."""

    network: Network


@dataclass(frozen=True)
class Open:
    """Keep an area of a stage, and forget those of any other stage.

    `content` [1, h, w, 3] is the content picture in the area's window; None if no local term asks for it. The answer is
    {name: {layer: [c]}}: of the local terms' targets, the sums over the positions that the area owns.
    """

    key: Key
    computation: Computation
    area: Area
    content: Map | None


@dataclass(frozen=True)
class Forget:
    """Forget an area, which another party computes from now on. No answer."""

    key: Key


@dataclass(frozen=True)
class Divide:
    """Keep how much the positions of an area belong to regions: {block: weights [1, h, w, regions]}. No answer."""

    key: Key
    regions: Mapping[int, Map]


@dataclass(frozen=True)
class Deviate:
    """The answer is {name: {layer: number}}: the local terms' sums over what an area owns, for constant features.

    `features` {name: {layer: [c]}} are the same at each position.
    """

    key: Key
    features: Mapping[str, Mapping[str, Map]]


@dataclass(frozen=True)
class Measure:
    """The answer is the sums of the pooled terms over what an area of a style picture owns.

    `image` [1, h, w, 3] is the picture in the area's window; `weights` {block: [1, h, w, 1]} are those of its
    positions, None: 1. Nothing is kept.
    """

    computation: Computation
    area: Area
    image: Map
    weights: Mapping[int, Map] | None


@dataclass(frozen=True)
class Forward:
    """Keep the picture in an area's window, `image` [1, h, w, 3]. The answer is as that of `Measure`.

    With regions there is a tuple of sums, one for each.
    """

    key: Key
    image: Map


@dataclass(frozen=True)
class Backward:
    """The answer, a `Pulled`, is what an area contributes to the gradient, after `Forward`.

    `by_sums` are the derivatives of the total by the sums of the whole picture, in tuples as there, and `weights`
    {name: {layer: weight}} what the local terms' sums are multiplied by.
    """

    key: Key
    by_sums: ByTerm
    weights: Mapping[str, Mapping[str, float]]


class Pulled(NamedTuple):
    """The gradient by an area's window [1, h, w, 3], and the local terms' sums {name: {layer: number}}."""

    gradient: Map
    sums: Mapping[str, Mapping[str, float]]


Task = Learn | Open | Forget | Divide | Deviate | Measure | Forward | Backward
