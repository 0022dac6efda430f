"""The benchmark of matched shares: floors of its labelled texts with the embedded encoder, and its counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data_schemas.concepts import Sensitive
from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from experiments.benchmarks.attribution import concept_shares
from experiments.benchmarks.attribution.concept_matching import SENTENCES
from experiments.benchmarks.attribution.concept_shares import (
    ALL,
    HALVES,
    StyleQuality,
    column_shares,
    sets_below,
    style_quality,
    style_texts,
)
from features.encoders.opening import open_encoder
from features.encoders.source_files import EMBEDDED
from features.narratives.concepts import NO_CONCEPT, ConceptMatcher, ConceptMatches

CONCEPTS = load_schema("demo").concepts
FLOORS = {"tuning": (0.85, 0.85), "test": (0.82, 0.72)}  # precision and recall


@pytest.fixture(scope="module")
def matcher() -> ConceptMatcher:
    return ConceptMatcher.open(CONCEPTS, open_encoder(EMBEDDED, device="cpu"))


@pytest.mark.parametrize("half", HALVES)
def test_most_matches_are_right_and_most_subjects_are_found(matcher: ConceptMatcher, half: str) -> None:
    found = {one.style: one for one in style_quality(matcher, half)}
    precision, recall = FLOORS[half]
    assert found[ALL].precision >= precision
    assert found[ALL].recall >= recall
    assert found[ALL].texts == sum(one.texts for style, one in found.items() if style != ALL)
    assert found["campaign titles"].matched <= 1
    assert found["complaints"].precision >= 0.85


@pytest.mark.parametrize("text", ["Personal loan", "My Loan", "Loan 3", "They asked me to call again tomorrow."])
def test_words_about_no_subject_match_no_concept(matcher: ConceptMatcher, text: str) -> None:
    assert matcher.match_texts([text]).concept.tolist() == [NO_CONCEPT]


def test_neutral_sentences_withhold_no_kind_of_private_life(matcher: ConceptMatcher) -> None:
    text = "I called customer service and was put on hold because of my surgery."
    assert matcher.match_texts([text]).sensitive == (frozenset({Sensitive.HEALTH}),)


def test_the_texts_are_independent_of_the_statements_and_of_each_other() -> None:
    texts = [text.lower() for half in HALVES for _, _, text in style_texts(half)]
    assert len(texts) == len(set(texts)) >= 150
    others = json.loads(SENTENCES.read_text(encoding="utf-8"))
    known = {text.lower() for half in HALVES for own in others[half].values() for text in own}
    assert not set(texts) & (known | {says.lower() for concept in CONCEPTS for says in concept.statements})
    names = {name for half in HALVES for _, name, _ in style_texts(half)}
    assert names <= {concept.name for concept in CONCEPTS} | {"none"}


def test_nothing_matched_is_nothing_wrong() -> None:
    quality = StyleQuality("test", "job titles", 3, 0, 0, 0)
    assert (quality.precision, quality.recall) == (1.0, 1.0)
    assert StyleQuality("test", "complaints", 9, 4, 3, 6).precision == 0.75
    assert StyleQuality("test", "complaints", 9, 4, 3, 6).recall == 0.5


def test_shares_of_a_column_are_counted() -> None:
    health = next(k for k, concept in enumerate(CONCEPTS) if concept.sensitive == Sensitive.HEALTH)
    private, plain = frozenset({Sensitive.HEALTH}), frozenset[Sensitive]()
    concept = np.array([health, 0, 0, NO_CONCEPT])
    matches = ConceptMatches(concept, np.zeros(4, np.float32), (private, plain, plain, private))
    found = column_shares("set", "note", ["My surgery. ", "Cards.", "Cards. ", "Unwell."], matches, CONCEPTS)
    assert (found.sentences, found.distinct, found.matched) == (4, 3, 0.75)
    assert found.distinct_matched == pytest.approx(2 / 3)
    assert (found.private_by_words, found.private_by_encoder) == (1, 1)
    assert found.top == ((CONCEPTS[0].name, 0.5), (CONCEPTS[health].name, 0.25))


def test_a_folder_of_sets_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "small"
    own.mkdir()
    fields = [
        {"name": "id", "type": "string", "creditfusion": {"role": "id"}},
        {"name": "note", "type": "string", "creditfusion": {"role": "narrative"}},
        {"name": "job", "type": "string", "creditfusion": {"role": "narrative", "concepts": False}},
        {"name": "bad", "type": "string", "creditfusion": {"role": "target"}},
    ]
    outcome = {"version": 1, "name": "small", "bad_values": ["1"], "good_values": ["0"]}
    schema = {"title": "A small set", "fields": fields, "creditfusion": outcome}
    (own / "set.schema.json").write_text(json.dumps(schema), encoding="utf-8")
    rows = "id,note,job,bad\n1,I lost my job last year.,Wedding planner,0\n2,Personal loan,Nurse,1\n"
    (own / "train.csv").write_text(rows, encoding="utf-8")
    concept_shares.main(["--sets", str(tmp_path), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [(one["column"], one["matched"]) for one in found["columns"]] == [("note", 0.5), ("job", 0.0)]
    assert len(found["styles"]) == 12
    concept_shares.main(["--schema", str(own / "set.schema.json"), "--data", str(own / "train.csv")])
    assert "| train.csv, note | loss of a job 50.0% |" in capsys.readouterr().out


def test_a_folder_without_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"no folder in it holds set\.schema\.json"):
        sets_below(tmp_path, None)


def test_a_schema_needs_its_data(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        concept_shares.main(["--schema", "demo"])
    assert "--schema and --data go together" in capsys.readouterr().err
