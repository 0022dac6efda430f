"""The model card says what the model reads, what it does not, and what taught it alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

from data_schemas.reader import parse_schema
from experiments.reporting.catalogues import language_of
from experiments.reporting.language import speaking
from experiments.validate.card import card
from experiments.validate.scored_outcomes import ScoredOutcomes
from fusion.config_file import load_config
from tests.support.scored_outcomes import drawn, scored_of, some_margins
from tests.support.small import small_schema

MARGIN = some_margins(60)


def words(scored: ScoredOutcomes, key: str) -> str:
    """One section of the card."""
    (section,) = (one for one in card(scored, (), date(2026, 2, 3)).sections if one.key == key)
    return " ".join(section.words)


def test_what_is_known_only_later_is_named_beside_what_is_kept_from_the_model() -> None:
    document = json.loads(small_schema().source)
    own = {"role": "auxiliary", "auxiliary": {"kind": "numeric", "direction": "falling"}}
    document["fields"].append({"name": "last", "type": "number", "title": "Last score", "creditfusion": own})
    scored = scored_of(drawn(MARGIN), MARGIN, schema=parse_schema(json.dumps(document), "small"))
    assert "Columns kept from the model: sex and clerk." in words(scored, "training_data")
    assert "Known only later, and read in training alone: Last score." in words(scored, "training_data")
    assert "Known only later" not in words(scored_of(drawn(MARGIN), MARGIN), "training_data")


def test_style_is_named_where_the_model_reads_it() -> None:
    scored = scored_of(drawn(MARGIN), MARGIN)
    assert "how narratives are written" not in words(scored, "method")
    bundle = replace(scored.model.bundle, config=load_config(None, ["text.style=true"]))
    styled = replace(scored, model=replace(scored.model, bundle=bundle))
    assert "how narratives are written" in words(styled, "method")


def test_rows_of_the_figures_at_training_are_named_in_the_language_of_the_card() -> None:
    scored = scored_of(drawn(MARGIN), MARGIN)
    rows = ("out of fold, from 2010-07-01, with desc", "after 2010-12-31", "held out 20.0 %", "a kind of its own")
    provenance = scored.model.bundle.manifest.provenance.model_copy(
        update={"figures": {f"{name}: auc": 0.7 for name in rows}}
    )
    manifest = scored.model.bundle.manifest.model_copy(update={"provenance": provenance})
    known = replace(scored, model=replace(scored.model, bundle=replace(scored.model.bundle, manifest=manifest)))
    with speaking(language_of("zh")):
        document = card(known, (), date(2026, 2, 3))
    (table,) = (table for one in document.sections for table in one.tables if table.key == "training_figures")
    assert [row[0] for row in table.rows] == [
        "折外、自 2010-07-01 起、有 desc",
        "2010-12-31 之后",
        "留出 20.0 %",
        "a kind of its own",
    ]
