"""A model of several sources: what hangs on each, and its bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.design import InputGroup
from features.tables.dataframe import applications_of, read_frame
from features.tabular import TabularEncoder
from fusion import bundle
from fusion.bundle import load, save
from fusion.scorer import Scorer
from tests.support.joined_sources import joined_schema, joined_table
from tests.support.same_models import assert_same_model


def test_a_derived_feature_hangs_on_every_source_that_it_is_made_of() -> None:
    schema = joined_schema()
    assert schema.sources_of("amount") == ()
    assert schema.sources_of("bureau_open") == ("bureau",)
    assert schema.sources_of("open_per_amount") == ("bureau",)
    both = replace(schema.derived[-1], name="both", of=("court_entries", "open_per_amount"))
    assert replace(schema, derived=(*schema.derived, both)).sources_of("both") == ("bureau", "court")
    with pytest.raises(KeyError, match="nothing"):
        schema.sources_of("nothing")


def test_the_encoder_knows_what_hangs_on_each_source() -> None:
    table = joined_table(60, 1)
    encoder = TabularEncoder.fit(applications_of(table.drop(columns="outcome"), joined_schema()))
    made = ("bureau_open", "bureau_balance_trend", "bureau_since", "open_per_amount", "bureau_last_status")
    fill = {"bureau_open": float(table["bureau_open"].median())}
    bureau, calls, court = encoder.sources
    assert (bureau.name, bureau.columns, bureau.narratives) == ("bureau", made, ())
    assert bureau.fill["bureau_open"] == fill["bureau_open"]
    assert calls == InputGroup("calls", (), ("call_notes",))
    assert court == InputGroup("court", ("court_entries", "court_mean_fine"), (), {"court_entries": 0.0})


def test_a_bundle_of_sources_keeps_every_bit(joined_scorer: Scorer, tmp_path: Path) -> None:
    held = joined_scorer.bundle
    trained = bundle.Trained(
        held.model,
        held.config,
        held.tabular,
        held.population,
        held.reference,
        held.rows,
        held.tuned,
        held.probes,
        held.profiles,
    )
    again = save(tmp_path / "again", trained, held.manifest.provenance, "A card.\n")
    for name, digest in held.manifest.files.items():
        assert name == "card.md" or again.files[name] == digest
    assert_same_model(load(tmp_path / "again").model, held.model)
    assert [one.group.name for one in held.model.without] == ["bureau", "calls", "court"]


def test_margins_without_each_source_come_from_a_loaded_bundle(joined_scorer: Scorer) -> None:
    rows = read_frame(joined_table(200, 2), joined_scorer.schema).applications
    margins = joined_scorer.margins(joined_scorer.read(rows).design)
    np.testing.assert_array_equal(margins.without["court"], margins.fused)
    assert (margins.without["bureau"] != margins.fused).any()
    assert (margins.without["calls"] != margins.fused).any()
