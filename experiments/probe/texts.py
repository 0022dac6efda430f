"""Fixed sentences of the report on protected attributes: its sources, its verdicts, how to read it."""

from __future__ import annotations

from features.tables.groups import MIN_ROWS
from fusion.validation.proxy_probe import CLEARLY, N_FOLDS, SEED, SOMEWHAT, WELL, Source, Verdict

SOURCES: dict[Source, str] = {
    "narratives": "the narratives alone",
    "written": "the narratives, among those who wrote",
    "words": "single words of the narratives",
    "style": "how the narratives are written",
    "columns": "the structured columns alone",
    "both": "columns and narratives together",
    "score": "the model's score alone",
}
VERDICTS: dict[Verdict, str] = {
    "chance": "cannot be told better than by chance",
    "unsure": "may or may not be told: there are too few rows to say",
    "hardly": "can be told hardly better than by chance",
    "somewhat": "can be told somewhat better than by chance",
    "clearly": "can be told clearly better than by chance",
    "well": "can be told well",
}
SHORT: dict[Verdict, str] = {
    "chance": "no better than chance",
    "unsure": "too few rows to say",
    "hardly": "hardly above chance",
    "somewhat": "somewhat above chance",
    "clearly": "clearly above chance",
    "well": "well",
}
THRESHOLDS: dict[Verdict, str] = {
    "chance": f"the interval begins at 0.5 or below and ends below {SOMEWHAT:.2f}",
    "unsure": f"it begins at 0.5 or below and ends at {SOMEWHAT:.2f} or above",
    "hardly": f"it lies above 0.5, and the AUC is below {SOMEWHAT:.2f}",
    "somewhat": f"it lies above 0.5, and the AUC is {SOMEWHAT:.2f} or more",
    "clearly": f"the same, {CLEARLY:.2f} or more",
    "well": f"the same, {WELL:.2f} or more",
}
TOO_SMALL = "too small to judge, left out"
READING = (
    "Take two applicants at random from two groups and guess which is which. By chance, 50 of 100 such guesses are "
    "right, and the AUC is 0.5. With an AUC of 0.6, 60 of 100 are right; with 1, all. Where there are more than two "
    "groups, each is told from the rest, and the AUC is the mean of these."
)
LIMITS = (
    "That an attribute can be told does not mean that the model uses it, nor that it treats groups unequally. It means "
    "that it could, and that the column or the narratives stand in for the attribute.",
    "That an attribute cannot be told does not make the model fair: groups may still be approved at different rates. "
    "Compare these too.",
    "The guess is a linear one, of a limited number of rows. Another reader may find more, in a longer file or with "
    "other means. A person who reads a narrative may see at once what this does not.",
    "It holds for the people in this file and for the attributes as they stand there. Those without a value and those "
    "in small groups were not looked at.",
)
METHOD = (
    "A logistic regression with an L2 penalty learned each attribute from all folds of the rows but one and was judged "
    f"on that one, in turn, {N_FOLDS} folds in all. Rows that share a longer narrative or an applicant never part, and "
    "count as one in the interval. The penalty was chosen within the rows learned from. The inputs are those of the "
    "model: the vectors of its text encoder, with a mark for what was not written; the words that it counts; the style "
    "of the narratives where it reads it, piecewise linear by rank; its columns as its head takes them, piecewise "
    "linear; its score, piecewise linear by rank. AUCs compare rows of one fold only. Intervals are those of DeLong, "
    "with the standard error widened by the square root of 2, as folds teach each other. Groups of fewer than "
    f"{MIN_ROWS} rows were left out. Seed {SEED}."
)
