"""What a sweep searches: the ranges declared on the settings, narrowed by a file where one is given.

A setting is never searched where its ``When`` does not hold, or that of the setting which this looks at; it keeps the
value of the base config, so that a study holds no parameter that made no difference to its trial.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from data_schemas.errors import ContractError
from fusion.config import Between, Config, Json, OneOf, Setting, When, valid_keys, with_settings
from fusion.config_file import parse_config

ABOUT_TEXT = ("encoder.", "text.", "head.text_penalty", "head.word_penalty", "stacker.text_components")
"""How the keys of settings begin that make no difference where no narrative is written."""


class Trial(Protocol):
    """What asks for a value: the part of an Optuna trial that is needed here."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Return a whole number from low to high, both included."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Return a number from low to high."""

    def suggest_categorical(self, name: str, choices: Sequence[Setting]) -> Setting | None:
        """Return one of the choices."""


@dataclass(frozen=True)
class Dimension:
    """One searched setting.

    Attributes:
        key: dotted, such as ``stacker.num_leaves``.
        range: values it may take.
        whole: whether it is an int.
        when: conditions under which it is active: its own, and those of the settings that these look at.
    """

    key: str
    range: Between | OneOf
    whole: bool
    when: tuple[When, ...]

    def to_json(self) -> Json:
        """Plain data, for a digest or a report."""
        when = [{"key": one.key, "value": one.value} for one in self.when]
        return {"key": self.key, "whole": self.whole, "when": when, **_range_json(self.range, self.whole)}

    def is_active(self, values: Mapping[str, Setting]) -> bool:
        """Whether the setting makes a difference beside these values of the others, by dotted key."""
        return all(values[one.key] == one.value for one in self.when)


@dataclass(frozen=True)
class Space:
    """The searched settings; what a condition looks at stands before what depends on it."""

    dimensions: tuple[Dimension, ...]

    def to_json(self) -> list[Json]:
        """Plain data, one object per dimension."""
        return [dimension.to_json() for dimension in self.dimensions]

    def without(self, keys: Collection[str], base: Config) -> Space:
        """The same but for some settings, which keep the value of ``base``, and for what is then never asked for."""
        return Space(_reachable((one for one in self.dimensions if one.key not in keys), _values(base)))

    def allows(self, config: Config) -> bool:
        """Whether a trial could have the searched settings of ``config``."""
        values = _values(config)
        return all(_contains(one.range, values[one.key]) for one in self.dimensions if one.is_active(values))

    def options(self, base: Config, section: str) -> list[Config]:
        """``base`` with every combination that the space allows of a section's settings, ``base`` itself first; for
        sections of choices and whole numbers. A condition on another section counts as met where the space can meet it.
        """
        own = [dimension for dimension in self.dimensions if dimension.key.startswith(f"{section}.")]
        asked = {dimension.key for dimension in own} | {one.key for dimension in own for one in dimension.when}
        found = [_values(base)]
        for dimension in self.dimensions:
            if dimension.key in asked:
                found = [more for values in found for more in self._each(dimension, values)]
        only = [{key: value for key, value in values.items() if key.startswith(f"{section}.")} for values in found]
        return list(dict.fromkeys(_with(base, values) for values in ({}, *only)))

    def _each(self, dimension: Dimension, values: dict[str, Setting]) -> list[dict[str, Setting]]:
        if not dimension.is_active(values):
            return [values]
        span = dimension.range
        choices = span.choices if isinstance(span, OneOf) else range(int(span.low), int(span.high) + 1)
        return [{**values, dimension.key: choice} for choice in choices]

    @property
    def digest(self) -> str:
        """Return the sha256 of the canonical JSON: equal for two spaces exactly when they search the same."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def full_space() -> Space:
    """Every setting that declares a range, in the config's order, but after those that its conditions look at."""
    waiting = list(_declared())
    keys = {dimension.key for dimension in waiting}
    placed: dict[str, Dimension] = {}
    while waiting:
        ready = next(d for d in waiting if all(one.key in placed or one.key not in keys for one in d.when))
        above = [more for one in ready.when if one.key in placed for more in placed[one.key].when]
        placed[ready.key] = replace(ready, when=tuple(dict.fromkeys([*above, *ready.when])))
        waiting.remove(ready)
    return Space(tuple(placed.values()))


def load_space(path: Path | None, base: Config) -> Space:
    """The declared ranges, narrowed by a TOML file such as ``[stacker] num_leaves = [3, 7]``.

    A number's list holds the lowest and the highest value, a choice's list the choices that are left. A list of one
    value holds the setting there: it is not searched, nor is what no trial could then be asked for. Without a file the
    declared ranges stand.

    Raises ContractError, naming file, key and rule, for an unreadable file, an unknown key, a range that is empty,
    reversed, of a wrong type or not inside the declared one, for one that leaves out the value of ``base`` (the first
    trial is always ``base``), and where nothing is left to search.
    """
    declared = full_space().dimensions
    asked = _read(path, {dimension.key for dimension in declared}) if path else {}
    values = _values(base)
    searchable: list[Dimension] = []
    for dimension in declared:
        narrowed = dimension
        if path and dimension.key in asked:
            narrowed = _narrowed(dimension, asked[dimension.key], values[dimension.key], path)
        single = _single(narrowed.range)
        if single is None or single != values[dimension.key]:
            _check_base(narrowed, values, path)
        if single is None:
            searchable.append(narrowed)
    kept = _reachable(searchable, values)
    if not kept:
        raise ContractError(f"space file {path} leaves nothing to search", "Leave at least one setting a real range.")
    return Space(kept)


def _reachable(dimensions: Iterable[Dimension], values: Mapping[str, Setting]) -> tuple[Dimension, ...]:
    """The dimensions that can be active in some trial: each of their conditions holds in ``values``, or can be met by a
    dimension before them.
    """
    kept: dict[str, Dimension] = {}
    for dimension in dimensions:
        if all(
            _contains(kept[one.key].range, one.value) if one.key in kept else values[one.key] == one.value
            for one in dimension.when
        ):
            kept[dimension.key] = dimension
    return tuple(kept.values())


def suggest(trial: Trial, space: Space, base: Config) -> Config:
    """The config that a trial proposes: active settings come from the trial, all others keep the value of ``base``."""
    values = _values(base)
    for dimension in space.dimensions:
        if dimension.is_active(values):
            values[dimension.key] = _ask(trial, dimension)
    return _with(base, values)


def active_settings(config: Config, space: Space) -> dict[str, Setting]:
    """The settings of ``config`` that are active in it, by dotted key: the parameters of a trial of ``config``."""
    values = _values(config)
    return {d.key: values[d.key] for d in space.dimensions if d.is_active(values)}


def text_settings(space: Space) -> tuple[str, ...]:
    """Keys of the searched settings that make no difference where no narrative is written."""
    return tuple(one.key for one in space.dimensions if one.key.startswith(ABOUT_TEXT))


def with_held_given(base: Config, space: Space) -> Config:
    """``base`` with the settings that ``space`` does not search marked as given (``fusion.config.given_settings``)."""
    searched = {one.key for one in space.dimensions}
    return with_settings(base, {key: value for key, value in _values(base).items() if key not in searched})


def _values(config: Config) -> dict[str, Setting]:
    """Every setting that holds one value, by dotted key."""
    leaves = ((f"{section}.{name}", value) for section, node in config for name, value in node)
    return {key: value for key, value in leaves if isinstance(value, Setting)}


def _with(base: Config, values: Mapping[str, Setting]) -> Config:
    """``base`` with these settings, by dotted key."""
    tree = base.model_dump()
    for key, value in values.items():
        section, _, name = key.partition(".")
        tree[section][name] = value
    return parse_config(tree, "a trial")


def _declared() -> Iterable[Dimension]:
    for section, node in Config():
        for name, info in type(node).model_fields.items():
            ranges = [mark for mark in info.metadata if isinstance(mark, (Between, OneOf))]
            when = tuple(mark for mark in info.metadata if isinstance(mark, When))
            if ranges:
                yield Dimension(f"{section}.{name}", ranges[0], info.annotation is int, when)


def _ask(trial: Trial, dimension: Dimension) -> Setting:
    if isinstance(dimension.range, OneOf):
        choice = trial.suggest_categorical(dimension.key, dimension.range.choices)
        assert choice is not None, "no range holds None"
        return choice
    low, high, log = dimension.range.low, dimension.range.high, dimension.range.log
    if dimension.whole:
        return trial.suggest_int(dimension.key, int(low), int(high), log=log)
    return trial.suggest_float(dimension.key, float(low), float(high), log=log)


def _range_json(declared: Between | OneOf, whole: bool) -> Json:
    if isinstance(declared, OneOf):
        return {"choices": list(declared.choices)}
    number = int if whole else float
    return {"low": number(declared.low), "high": number(declared.high), "log": declared.log}


def _single(declared: Between | OneOf) -> Setting | None:
    """Return the only value of a range of one value."""
    if isinstance(declared, Between):
        return declared.low if declared.low == declared.high else None
    return declared.choices[0] if len(declared.choices) == 1 else None


def _read(path: Path, valid: set[str]) -> dict[str, object]:
    """The file's entries by dotted key, each a searched setting's."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError(f"space file {path} cannot be read ({error.strerror})", "Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContractError(f"space file {path} is not valid TOML: {error}", "Correct the file.") from error
    entries: dict[str, object] = {}
    for section, node in tree.items():
        entries |= {f"{section}.{name}": value for name, value in node.items()} if isinstance(node, dict) else {}
        keys = [f"{section}.{name}" for name in node] if isinstance(node, dict) else [section]
        for key in keys:
            if key not in valid:
                near = difflib.get_close_matches(key, sorted(valid), n=1, cutoff=0.0)[0]
                known = "has no range to search" if key in valid_keys() else "is no setting"
                raise ContractError(f"space file {path}: {key!r} {known}", f"The nearest searched one is {near!r}.")
    return entries


def _narrowed(dimension: Dimension, given: object, base: Setting, path: Path) -> Dimension:
    """The dimension with the range that the file gives."""
    where = f"space file {path}: {dimension.key!r}"
    if not isinstance(given, list):
        raise ContractError(f"{where} must be a list, got {given!r}", f"Write {_example(dimension)}.")
    if not given:
        raise ContractError(f"{where} has an empty range", f"Write {_example(dimension)}, or leave the line out.")
    if len(given) == 1 and type(given[0]) is type(base) and given[0] == base:
        return replace(dimension, range=OneOf((base,)))  # held where base has it, be that in the range or not
    if isinstance(dimension.range, OneOf):
        return replace(dimension, range=_sublist(dimension.range, given, where))
    return replace(dimension, range=_inside(dimension, dimension.range, given, where))


def _sublist(declared: OneOf, given: list[object], where: str) -> OneOf:
    for value in given:
        if not any(type(value) is type(choice) and value == choice for choice in declared.choices):
            choices = ", ".join(_toml(choice) for choice in declared.choices)
            raise ContractError(f"{where}: {value!r} is none of its choices", f"Choose among {choices}.")
    return OneOf(tuple(choice for choice in declared.choices if choice in given))


def _inside(dimension: Dimension, declared: Between, given: list[object], where: str) -> Between:
    for value in given:
        if not _is_number(value, dimension.whole):
            kind = "a whole number" if dimension.whole else "a number"
            raise ContractError(f"{where}: {value!r} is not {kind}", f"Write {_example(dimension)}.")
    numbers = [value for value in given if isinstance(value, (int, float))]
    if len(numbers) > 2:
        raise ContractError(f"{where} holds {len(numbers)} numbers", f"Write two, such as {_example(dimension)}.")
    low, high = numbers[0], numbers[-1]
    if low > high:
        raise ContractError(f"{where}: the range [{low}, {high}] is reversed", "Write the lower number first.")
    if low < declared.low or high > declared.high:
        raise ContractError(
            f"{where}: [{low}, {high}] does not lie inside {declared.low} to {declared.high}", "Narrow the range."
        )
    return replace(declared, low=low, high=high)


def _is_number(value: object, whole: bool) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and not whole and math.isfinite(value))


def _check_base(dimension: Dimension, values: Mapping[str, Setting], path: Path | None) -> None:
    """The first trial is the base config, so its values must be ones that the study can hold."""
    value = values[dimension.key]
    held = _single(dimension.range) is not None
    if not held and (not dimension.is_active(values) or _contains(dimension.range, value)):
        return
    origin = f"space file {path}: the range of" if path else "the range of"
    raise ContractError(
        f"{origin} {dimension.key!r}, {_words(dimension.range)}, leaves out the base config's own {_toml(value)}, "
        "which is the first trial",
        f"Widen the range, hold the setting by {dimension.key.partition('.')[2]} = [{_toml(value)}] in a space file, "
        "or change the base config.",
    )


def _contains(declared: Between | OneOf, value: object) -> bool:
    if isinstance(declared, OneOf):
        return value in declared.choices
    return isinstance(value, (int, float)) and declared.low <= value <= declared.high


def _words(declared: Between | OneOf) -> str:
    if isinstance(declared, OneOf):
        return "[" + ", ".join(_toml(choice) for choice in declared.choices) + "]"
    return f"[{declared.low}, {declared.high}]"


def _example(dimension: Dimension) -> str:
    return f"{dimension.key.partition('.')[2]} = {_words(dimension.range)}"


def _toml(value: object) -> str:
    return json.dumps(value)
