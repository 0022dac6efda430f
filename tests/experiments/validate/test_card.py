"""The model card says what the model reads, what it does not, and what taught it alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

from data_schemas.reader import parse_schema
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
