"""Choosing the settings of a model before it is trained, and what was chosen, in words."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.session.run import Run
from features.tables.applications import Applications
from fusion.config import Config
from fusion.model.choosing import Allows, Choice, Chosen, ReadWords, Rung, choose
from fusion.model.training_sample import TrainingSample
from fusion.text_encoder import OpenEncoder, open_reader


def choose_settings(
    sample: TrainingSample, own: Applications, config: Config, encoder: OpenEncoder, run: Run
) -> tuple[Config, tuple[Choice, ...]]:
    """Settings that fit the training rows, with the choices that led to them; each goes into the log.

    Args:
        sample: the training rows.
        own: the same as applications, without what the config masks.
        config: settings; those that were given explicitly stay.
        encoder: reads the narratives.
        run: shows the progress.
    """
    chosen = choose_aloud(sample, config, lambda text: open_reader(own.schema, text, encoder).read_words(own), run)
    return chosen.config, chosen.choices


def choose_aloud(
    sample: TrainingSample, config: Config, read_words: ReadWords, run: Run, allows: Allows = lambda _config: True
) -> Chosen:
    """``fusion.model.choosing.choose`` as a stage of ``run``, with a note per choice."""
    with run.stage("choose", unit="choices") as advance:

        def report(choice: Choice) -> None:
            advance(1)
            run.note(choice_line(choice), {"choice": choice_json(choice)})

        return choose(sample, config, read_words, report, allows)


def choice_line(choice: Choice) -> str:
    """A choice in a line: what was taken, and what lost by how much."""
    taken = choice.rungs[choice.taken]
    others = [_lost(rung, taken) for rung in choice.rungs if rung is not taken]
    return f"{choice.subject}: {_settings(taken)}; {'; '.join(others)}"


def taken_words(choice: Choice) -> str:
    """What was taken, and the loss that it saves against the simplest option."""
    taken, simplest = choice.rungs[choice.taken], choice.rungs[0]
    if taken is simplest:
        return f"{_settings(taken)} (the simplest)"
    return f"{_settings(taken)} (log-loss {simplest.log_loss - taken.log_loss:.5f} below the simplest)"


def choice_json(choice: Choice) -> dict[str, object]:
    """A choice for machines: every rung's settings, log-loss, and distance to the best with its standard error."""
    rungs = [
        {"settings": dict(rung.settings), "log_loss": rung.log_loss, "behind": rung.behind, "error": rung.error}
        for rung in choice.rungs
    ]
    return {"subject": choice.subject, "rungs": rungs, "taken": choice.taken}


def choice_table(choices: Sequence[Choice]) -> str:
    """All choices as a Markdown table."""
    head = "| for | tried | log-loss | behind the best | standard error | |\n|---|---|---|---|---|---|\n"
    rows = [
        f"| {choice.subject} | {_settings(rung)} | {rung.log_loss:.5f} | {rung.behind:.5f} | {rung.error:.5f} "
        f"| {'taken' if at == choice.taken else ''} |\n"
        for choice in choices
        for at, rung in enumerate(choice.rungs)
    ]
    return head + "".join(rows)


def _settings(rung: Rung) -> str:
    return ", ".join(f"{key.partition('.')[2]} {value:g}" for key, value in rung.settings.items())


def _lost(rung: Rung, taken: Rung) -> str:
    difference = rung.log_loss - taken.log_loss
    return f"{_settings(rung)} {'lost' if difference > 0 else 'won'} by {abs(difference):.5f}"
