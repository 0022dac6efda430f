"""Fixed sentences of the report on protected attributes: its sources, its verdicts, how to read it."""

from __future__ import annotations

from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import number
from features.tables.groups import MIN_ROWS
from fusion.validation.proxy_probe import CLEARLY, N_FOLDS, SEED, SOMEWHAT, WELL, Source, Verdict

SOURCES: dict[Source, str] = {
    "narratives": gettext_noop("the narratives alone"),
    "written": gettext_noop("the narratives, among those who wrote"),
    "words": gettext_noop("single words of the narratives"),
    "style": gettext_noop("how the narratives are written"),
    "columns": gettext_noop("the structured columns alone"),
    "both": gettext_noop("columns and narratives together"),
    "score": gettext_noop("the model's score alone"),
}
VERDICTS: dict[Verdict, str] = {
    "chance": gettext_noop("From {source}, {attribute} cannot be told better than by chance"),
    "unsure": gettext_noop("From {source}, {attribute} may or may not be told: there are too few rows to say"),
    "hardly": gettext_noop("From {source}, {attribute} can be told hardly better than by chance"),
    "somewhat": gettext_noop("From {source}, {attribute} can be told somewhat better than by chance"),
    "clearly": gettext_noop("From {source}, {attribute} can be told clearly better than by chance"),
    "well": gettext_noop("From {source}, {attribute} can be told well"),
}
SHORT: dict[Verdict, str] = {
    "chance": gettext_noop("no better than chance"),
    "unsure": gettext_noop("too few rows to say"),
    "hardly": gettext_noop("hardly above chance"),
    "somewhat": gettext_noop("somewhat above chance"),
    "clearly": gettext_noop("clearly above chance"),
    "well": gettext_noop("well"),
}
_CONDITIONS: dict[Verdict, tuple[str, float]] = {
    "chance": (gettext_noop("the interval begins at 0.5 or below and ends below {auc}"), SOMEWHAT),
    "unsure": (gettext_noop("it begins at 0.5 or below and ends at {auc} or above"), SOMEWHAT),
    "hardly": (gettext_noop("it lies above 0.5, and the AUC is below {auc}"), SOMEWHAT),
    "somewhat": (gettext_noop("it lies above 0.5, and the AUC is {auc} or more"), SOMEWHAT),
    "clearly": (gettext_noop("the same, {auc} or more"), CLEARLY),
    "well": (gettext_noop("the same, {auc} or more"), WELL),
}
TOO_SMALL = gettext_noop("too small to judge, left out")
READING = gettext_noop(
    "Take two applicants at random from two groups and guess which is which. By chance, 50 of 100 such guesses are "
    "right, and the AUC is 0.5. With an AUC of 0.6, 60 of 100 are right; with 1, all. Where there are more than two "
    "groups, each is told from the rest, and the AUC is the mean of these."
)
LIMITS = (
    gettext_noop(
        "That an attribute can be told does not mean that the model uses it, nor that it treats groups unequally. It "
        "means that it could, and that the column or the narratives stand in for the attribute."
    ),
    gettext_noop(
        "That an attribute cannot be told does not make the model fair: groups may still be approved at different "
        "rates. Compare these too."
    ),
    gettext_noop(
        "The guess is a linear one, of a limited number of rows. Another reader may find more, in a longer file or "
        "with other means. A person who reads a narrative may see at once what this does not."
    ),
    gettext_noop(
        "It holds for the people in this file and for the attributes as they stand there. Those without a value and "
        "those in small groups were not looked at."
    ),
)


def thresholds() -> dict[Verdict, str]:
    """When each verdict is given."""
    return {word: gettext(message).format(auc=number(auc, 2)) for word, (message, auc) in _CONDITIONS.items()}


def method() -> str:
    """How the figures come about."""
    return gettext(
        "A logistic regression with an L2 penalty learned each attribute from all folds of the rows but one and was "
        "judged on that one, in turn, {folds} folds in all. Rows that share a longer narrative or an applicant never "
        "part, and count as one in the interval. The penalty was chosen within the rows learned from. The inputs are "
        "those of the model: the vectors of its text encoder, with a mark for what was not written; the words that it "
        "counts; the style of the narratives where it reads it, piecewise linear by rank; its columns as its head "
        "takes them, piecewise linear; its score, piecewise linear by rank. AUCs compare rows of one fold only. "
        "Intervals are those of DeLong, with the standard error widened by the square root of 2, as folds teach each "
        "other. Groups of fewer than {rows} rows were left out. Seed {seed}."
    ).format(folds=N_FOLDS, rows=MIN_ROWS, seed=SEED)
