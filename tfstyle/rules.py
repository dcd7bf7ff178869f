"""Rules that check one option (a range, a choice, or a list of layers) and describe it in help and messages."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfstyle.networks.topology import CONVOLUTIONS


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
    accepted texts. `words` names numbers outside the range, such as {"original": 0}. `alias` is a second
    name of the option. `group` is the heading under which help lists it.
    """

    doc: str
    minimum: float | None = None
    maximum: float | None = None
    above_minimum: bool = False
    choices: tuple[str, ...] = ()
    words: Mapping[str, float] = field(default_factory=dict)
    alias: str = ""
    group: str = ""

    def accepts(self) -> str:
        """The accepted values as text, for the contract's comments and the command line's help."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        words = "".join(f", or {word}" for word in self.words)
        if self.minimum is None or self.maximum is None:
            raise ValueError("a rule needs choices, or a minimum and a maximum")
        above = "above " if self.above_minimum else ""
        return f"{above}{number(self.minimum)} to {number(self.maximum)}{words}"

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
class LayersRule(Rule):
    """A list of convolutions by their Keras names, each at most once."""

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
