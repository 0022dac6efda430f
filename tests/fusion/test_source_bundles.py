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
from fusion.estimator import CreditFusionClassifier
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
    bureau, calls, court, every = encoder.sources
    assert (bureau.name, bureau.columns, bureau.narratives) == ("bureau", made, ())
    assert bureau.fill["bureau_open"] == fill["bureau_open"]
    assert calls == InputGroup("calls", (), ("call_notes",))
    assert every.columns == (*made[:3], *court.columns, *made[3:])
    assert (every.name, every.narratives) == ("sources", ("call_notes",))
    assert every.fill == {**bureau.fill, **court.fill}
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
    assert [one.group.name for one in held.model.without] == ["bureau", "calls", "court", "sources"]


def test_margins_without_each_source_come_from_a_loaded_bundle(joined_scorer: Scorer) -> None:
    rows = read_frame(joined_table(200, 2), joined_scorer.schema).applications
    margins = joined_scorer.margins(joined_scorer.read(rows))
    np.testing.assert_array_equal(margins.without["court"], margins.fused)
    assert (margins.without["bureau"] != margins.fused).any()
    assert (margins.without["calls"] != margins.fused).any()


def test_the_classifier_takes_frames_that_have_what_is_made_of_sources(joined_scorer: Scorer, tmp_path: Path) -> None:
    table, new = joined_table(240, 4), joined_table(30, 5).drop(columns="outcome")
    config = joined_scorer.bundle.config
    classifier = CreditFusionClassifier(
        schema=joined_schema(), config=config, encoder=joined_scorer.encoder, random_state=3, quick=True
    )
    classifier.fit(table.drop(columns="outcome"), table["outcome"])
    margins = classifier.bundle_.model.margins(classifier.design(new))
    assert list(margins.without) == ["bureau", "calls", "court", "sources"]
    np.testing.assert_array_equal(margins.without["court"], margins.fused)
    classifier.save(tmp_path / "model")
    good, bad = classifier.classes_ if classifier.bad_class_ == classifier.classes_[1] else classifier.classes_[::-1]
    again = CreditFusionClassifier.from_bundle(
        tmp_path / "model", good=str(good), bad=str(bad), encoder=joined_scorer.encoder
    )
    np.testing.assert_array_equal(again.predict_proba(new), classifier.predict_proba(new))
    with pytest.raises(ValueError, match="now missing:\n- bureau_since"):
        again.predict(new.drop(columns="bureau_since"))


def test_the_model_card_says_what_is_made_of_sources_and_what_each_was_worth(joined_model: Path) -> None:
    card = (joined_model / "card.md").read_text(encoding="utf-8")
    made = "Of these, 4 are made of the records of Credit bureau accounts (`bureau`)."
    assert made in card
    assert "| worth of court | +0.0000 (+0.0000 to +0.0000), AUC" in card
    assert "| worth of sources | +" in card
