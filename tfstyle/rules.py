"""Rules that check one option (a range, a choice, or a list of layers) and describe it in help and messages."""

from __future__ import annotations

import math
import reprlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

from tfstyle.networks.topology import CONVOLUTIONS
from tfstyle.schedule import Scale

LARGEST_WEIGHT = 1e9
SMALLEST_SCALE, LARGEST_SCALE = 16, 8191
"""Pixels. The deepest layers have no features of anything smaller; the last scale, that of the result, is larger."""
MOST_SCALES = 16


def shown(value: Any) -> str:
    """`value` of any type as quoted in a message, shortened."""
    return number(value) if isinstance(value, float) else reprlib.repr(value)


def number(value: float) -> str:
    """`value` in short notation: 0.5, 16, 1e9."""
    return f"{value:g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


@dataclass(frozen=True)
class Rule:
    """The values that one option accepts.

    Numbers lie between `minimum` and `maximum`; `above_minimum` excludes the minimum itself. `choices` lists the
    accepted texts or whole numbers. `words` names numbers outside the range, such as {"original": 0}. `alias` is a
    second name of the option. `group` is the heading under which help lists it.
    """

    doc: str
    minimum: float | None = None
    maximum: float | None = None
    above_minimum: bool = False
    choices: tuple[str, ...] | tuple[int, ...] = ()
    words: Mapping[str, float] = field(default_factory=dict)
    alias: str = ""
    group: str = ""

    def accepts(self) -> str:
        """The accepted values as text, for the contract's comments and the command line's help."""
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        words = "".join(f", or {word}" for word in self.words)
        if self.minimum is None or self.maximum is None:
            raise ValueError("a rule needs choices, or a minimum and a maximum")
        above = "above " if self.above_minimum else ""
        return f"{above}{number(self.minimum)} to {number(self.maximum)}{words}"

    def text(self, value: Any) -> str:
        """`value` as help and the contract's comments show it: the word for a number that has one."""
        for word, named in self.words.items():
            if value == named and value < (self.minimum or 0):
                return word
        return number(value) if isinstance(value, float) else str(value)

    def complaint(self, value: Any) -> str | None:
        """Why `value`, which has the option's type, is rejected; None if it is accepted."""
        if self.choices:
            return None if value in self.choices else f"must be {self.accepts()}; got {shown(value)}"
        if isinstance(value, float) and not math.isfinite(value):
            return f"must be a finite number; got {value}"
        if value in self.words.values():
            return None
        low = value <= self.minimum if self.above_minimum else value < self.minimum
        if low or value > self.maximum:
            return f"must be {self.accepts()}; got {shown(value)}"
        return None


@dataclass(frozen=True)
class ListRule(Rule, ABC):
    """A list, as a tuple of items; as text, its items are separated by commas.

    `items` names the items in messages, `placeholder` the list in help; `when_empty` is the text of an empty list.
    """

    items: ClassVar[str]
    placeholder: ClassVar[str]
    when_empty: ClassVar[str] = ""

    @abstractmethod
    def item(self, text: str) -> Any:
        """The item that `text` stands for. Raises ValueError."""

    @abstractmethod
    def is_item(self, item: Any) -> bool:
        """Whether `item` has the right type."""

    def item_text(self, item: Any) -> str:
        """`item` as text, as `item` reads it."""
        return str(item)

    def parse(self, text: str) -> tuple[Any, ...]:
        """The list that `text` stands for. Raises ValueError."""
        return () if text == self.when_empty else tuple(self.item(part.strip()) for part in text.split(","))

    def text(self, value: tuple[Any, ...]) -> str:
        """The list `value` as text, as `parse` reads it."""
        return ",".join(map(self.item_text, value)) or self.when_empty


@dataclass(frozen=True)
class LayersRule(ListRule):
    """A list of convolutions by their Keras names, each at most once."""

    items: ClassVar[str] = "layer names"
    placeholder: ClassVar[str] = "LAYERS"

    def item(self, text: str) -> str:
        """As in `ListRule`."""
        return text

    def is_item(self, item: Any) -> bool:
        """As in `ListRule`."""
        return isinstance(item, str)

    def accepts(self) -> str:
        """The accepted names, abbreviated."""
        return f"1 to {len(CONVOLUTIONS)} of {CONVOLUTIONS[0]} ... {CONVOLUTIONS[-1]}"

    def complaint(self, value: Any) -> str | None:
        """Why the tuple `value` is rejected; None if it is accepted."""
        if not value:
            return "must name at least one layer"
        for name in value:
            if name not in CONVOLUTIONS:
                return (
                    f"there is no layer {shown(name)}; the layers are "
                    "block1_conv1..2, block2_conv1..2, block3_conv1..4, block4_conv1..4 and block5_conv1..4"
                )
        if len(set(value)) < len(value):
            return "names a layer twice"
        return None


@dataclass(frozen=True)
class LayerWeightsRule(ListRule):
    """A weight for each layer of another option; none means 1 for each."""

    items: ClassVar[str] = "numbers"
    placeholder: ClassVar[str] = "NUMBERS"
    when_empty: ClassVar[str] = "equal"

    def item(self, text: str) -> float:
        """As in `ListRule`."""
        return float(text)

    def is_item(self, item: Any) -> bool:
        """As in `ListRule`."""
        return isinstance(item, (int, float)) and not isinstance(item, bool)

    def item_text(self, item: float) -> str:
        """As in `ListRule`."""
        return number(item)

    def accepts(self) -> str:
        """The accepted lists."""
        return f"equal, or a number from 0 to {number(LARGEST_WEIGHT)} for each layer, not all 0"

    def complaint(self, value: Any) -> str | None:
        """Why the tuple `value` is rejected; None if it is accepted."""
        for weight in value:
            if not 0 <= weight <= LARGEST_WEIGHT:
                return f"must be from 0 to {number(LARGEST_WEIGHT)} for each layer; got {shown(weight)}"
        return "must not be 0 for every layer" if value and not any(value) else None


@dataclass(frozen=True)
class ScalesRule(ListRule):
    """Scales from the coarsest up, each with its evaluations."""

    items: ClassVar[str] = "pairs (size, evaluations) of whole numbers"
    placeholder: ClassVar[str] = "SCALES"
    when_empty: ClassVar[str] = "auto"

    def item(self, text: str) -> Scale:
        """As in `ListRule`: "96:60"."""
        size, _, evaluations = text.partition(":")
        return Scale(int(size), int(evaluations))

    def is_item(self, item: Any) -> bool:
        """As in `ListRule`."""
        return (
            isinstance(item, tuple)
            and len(item) == 2
            and all(isinstance(part, int) and not isinstance(part, bool) for part in item)
        )

    def item_text(self, item: Any) -> str:
        """As in `ListRule`."""
        return f"{item[0]}:{item[1]}"

    def accepts(self) -> str:
        """The accepted lists."""
        return "auto, or SIZE:EVALUATIONS for up to 16 scales below size, from the smallest"

    def complaint(self, value: Any) -> str | None:
        """Why the tuple `value` is rejected; None if it is accepted."""
        if len(value) > MOST_SCALES:
            return f"must be at most {MOST_SCALES} scales; got {len(value)}"
        for size, evaluations in value:
            if not SMALLEST_SCALE <= size <= LARGEST_SCALE:
                got = self.item_text((size, evaluations))
                return f"must have sizes from {SMALLEST_SCALE} to {LARGEST_SCALE} pixels; got {got}"
            if not 1 <= evaluations <= 10_000:
                return f"must have 1 to 10000 evaluations for each scale; got {self.item_text((size, evaluations))}"
        for (smaller, _), (larger, _) in pairwise(value):
            if smaller >= larger:
                return f"must go up from the smallest scale; got {larger} after {smaller}"
        return None
