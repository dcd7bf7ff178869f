"""The options of a transfer for a page that shows whatever there is, and their values in JSON and in forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfstyle.canvas import OF_THE_PHOTO, texture_options
from tfstyle.errors import InvalidInputError, Violation
from tfstyle.options import ALIASES, KINDS, RULES
from tfstyle.presets import PRESET_DOCS, PRESETS, STRENGTH, strength_of
from tfstyle.rules import ListRule, Rule, shown
from tfstyle_client.lettering.recipe import ALONE, ON_A_PAINTING, Recipe

GROUPS = {"main": "Picture", "losses": "Losses", "optimizer": "Optimizer", "output": "File"}
"""{group of a rule: its title}."""
_KINDS = {int: "integer", float: "number"}


def plain(name: str, value: Any) -> Any:
    """The value of an option as JSON has it: a number, or a text as on the command line."""
    rule = RULES.get(name)
    if rule is None:  # of a later release
        return str(value)
    if isinstance(rule, ListRule) or value in rule.words.values():
        return rule.text(value)
    return value


def parsed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of options that came as JSON or in a form, as `resolve_options` takes them.

    None and an empty text count as not set. Raises `InvalidInputError`.
    """
    found, violations = {}, []
    for name, value in values.items():
        if value is None or value == "":
            continue
        try:
            found[name] = _parsed(ALIASES.get(name, name), value)
        except ValueError:
            rule = _rule(ALIASES.get(name, name))
            violations.append(Violation(name, f"must be {rule.accepts()}; got {shown(value)}"))
        except KeyError:
            violations.append(Violation(name, "there is no such option"))
    if violations:
        raise InvalidInputError(violations)
    return found


def _rule(name: str) -> Rule:
    return STRENGTH if name == "strength" else RULES[name]


def _parsed(name: str, value: Any) -> Any:
    """Raises ValueError for what has the wrong type, and KeyError for an unknown option."""
    rule = _rule(name)
    kind = float if name == "strength" else KINDS[name]
    if isinstance(rule, ListRule):
        if not isinstance(value, str):
            raise ValueError
        return rule.parse(value)
    if isinstance(value, str):
        return value if kind is str or value in rule.words else _number(kind, value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or kind is str:
        raise ValueError
    if kind is int and value != int(value):
        raise ValueError
    return kind(value)


def _number(kind: type, text: str) -> Any:
    return int(text) if kind is int else float(text)


def option_table() -> dict[str, Any]:
    """Presets, groups and options, as `GET api/v1/options` answers."""
    strengths = {preset: strength_of(options) for preset, options in PRESETS.items()}
    options = [_entry("strength", STRENGTH, "number", strengths)]
    for name, rule in RULES.items():
        kind = "choice" if rule.choices else _KINDS.get(KINDS[name], "text")
        defaults = {preset: plain(name, getattr(options, name)) for preset, options in PRESETS.items()}
        options.append(_entry(name, rule, kind, defaults))
    return {
        "presets": [{"name": name, "help": text} for name, text in PRESET_DOCS.items()],
        "groups": [{"name": name, "title": title} for name, title in GROUPS.items()],
        "options": options,
        "kinds": [
            _kind("photo", "default", {preset: {} for preset in PRESETS}),
            _kind("texture", "default", {preset: _of_texture(preset) for preset in PRESETS}, (*OF_THE_PHOTO, "size")),
            _kind_of_letters("letters", ALONE, ("depth", "colour_space")),
            _kind_of_letters("letters_on_a_painting", ON_A_PAINTING),
        ],
    }


def _kind(
    name: str, preset: str, defaults: Mapping[str, Mapping[str, Any]], without: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A kind of picture: its usual preset, its defaults where they differ from a preset's, and options it lacks."""
    values = {
        own: {option: value if option == "strength" else plain(option, value) for option, value in given.items()}
        for own, given in defaults.items()
    }
    return {"name": name, "preset": preset, "defaults": values, "without": list(without)}


def _of_texture(preset: str) -> dict[str, Any]:
    size = (512, 512)  # the other options do not depend on it
    return {name: value for name, value in texture_options(size, preset, {}).items() if name != "size"}


def _kind_of_letters(name: str, recipe: Recipe, without: tuple[str, ...] = ()) -> dict[str, Any]:
    return _kind(name, recipe.preset, {preset: recipe.overrides(preset, {}) for preset in PRESETS}, without)


def _entry(name: str, rule: Rule, kind: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "group": rule.group,
        "kind": kind,
        "help": rule.doc,
        "accepts": rule.accepts(),
        "minimum": rule.minimum,
        "maximum": rule.maximum,
        "choices": list(rule.choices),
        "words": list(rule.words),
        "defaults": dict(defaults),
    }


OPTION_NAMES = frozenset({"strength", *RULES, *ALIASES})
"""The names under which values of options may come."""
