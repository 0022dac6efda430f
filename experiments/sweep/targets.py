"""What a sweep was run for, in words: the objectives, and their values as a reader sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.reporting.language import gettext, gettext_noop, pgettext
from experiments.reporting.words import number
from experiments.sweep.outcome import Line
from experiments.sweep.study_snapshot import StudySnapshot

WORDS: Mapping[str, tuple[str, str, int]] = {
    "log_loss": (gettext_noop("out-of-fold log-loss"), "", 5),
    "brier": (gettext_noop("out-of-fold Brier score"), "", 5),
    "auc": (gettext_noop("out-of-fold AUC"), "", 4),
    "ks": (gettext_noop("out-of-fold KS"), "", 4),
    "cost": (gettext_noop("scoring cost"), gettext_noop("ms per 1,000 rows"), 1),
}


@dataclass(frozen=True)
class Target:
    """An objective.

    name: as on the command line.
    title: in words.
    unit: of its values; "" for a figure without one.
    maximized: whether more is better.
    digits: decimals worth showing.
    """

    name: str
    title: str
    unit: str
    maximized: bool
    digits: int

    @property
    def label(self) -> str:
        """What stands at an axis."""
        if not self.unit:
            return self.title
        return gettext("{title}, {unit}").format(title=self.title, unit=self.unit)


def targets(snapshot: StudySnapshot) -> tuple[Target, ...]:
    """The objectives, in the study's order."""
    made = []
    for name, direction in zip(snapshot.objectives, snapshot.study.directions, strict=True):
        title, unit, digits = WORDS.get(name, (name, "", 5))
        made.append(Target(name, gettext(title), gettext(unit), direction.name == "MAXIMIZE", digits))
    return tuple(made)


def all_values(snapshot: StudySnapshot, line: Line) -> str:
    """All values of a trial: ``out-of-fold log-loss 0.33120 and scoring cost 4.2 ms per 1,000 rows``."""
    every = []
    for target in targets(snapshot):
        shown = number(line.values[target.name], target.digits)
        if target.unit:
            shown = pgettext("number and unit", "{number} {unit}").format(number=shown, unit=target.unit)
        every.append(gettext("{title} {value}").format(title=target.title, value=shown))
    return joined(every)


def joined(parts: Sequence[str]) -> str:
    """``a and b and c``."""
    whole = parts[0]
    for part in parts[1:]:
        whole = gettext("{one} and {other}").format(one=whole, other=part)
    return whole


def value(snapshot: StudySnapshot, found: float | None) -> str:
    """A value of the first objective."""
    return number(found or 0.0, targets(snapshot)[0].digits)


def difference(snapshot: StudySnapshot, found: float) -> str:
    """A difference in the first objective, without sign; what is smaller than the last digit reads so."""
    digits = targets(snapshot)[0].digits
    if abs(found) >= 10.0**-digits:
        return number(abs(found), digits)
    return gettext("less than {number}").format(number=number(10.0**-digits, digits))


def distance(snapshot: StudySnapshot, a: float, b: float) -> str:
    """How far two values of the first objective lie apart, as a reader would subtract what is shown of them."""
    digits = targets(snapshot)[0].digits
    return difference(snapshot, round(round(a, digits) - round(b, digits), digits))
