from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.concepts import Sensitive
from data_schemas.contract import Schema, StripRule
from data_schemas.errors import ContractError
from data_schemas.reader import parse_schema
from features.arrays import Floats32
from features.encoders.vectors import PartVectors, Progress
from features.encoders.windows import Spans
from features.narratives.masking import Mask, rows_by_kind
from features.narratives.reader import TextReader
from features.tables.applications import Applications
from features.tables.dataframe import read_frame
from features.text.cleaning import MAX_PASSAGES, clean, passages
from tests.support.small import applications, row, small_schema
from tests.support.stand_in import parts_alone
from tests.support.statements import application, simple_facts, with_statements
from tests.support.work import is_linear

CONCEPTS = [
    {"name": "car", "says": ["A car."], "reason": {"code": "CAR", "wording": "A car."}},
    {
        "name": "illness",
        "says": ["I am ill."],
        "reason": {"code": "ILL", "wording": "Illness."},
        "sensitive": "health",
        "words": ["surger*"],
    },
    {
        "name": "faith",
        "says": ["I pray."],
        "reason": {"code": "FAITH", "wording": "Faith."},
        "sensitive": "religion",
        "words": ["church"],
    },
]


class TopicEncoder:
    """A stand-in that counts topics; remembers what it was asked."""

    digest = "00"
    dim = 4

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        del on_progress
        self.asked += texts
        counts = [[text.lower().count(topic) for topic in ("car", "ill", "pray")] + [1] for text in texts]
        return np.array(counts, np.float32).reshape(len(texts), self.dim)

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        return parts_alone(self.encode, texts, spans, on_progress)


def schema() -> Schema:
    document = json.loads(small_schema().source)
    document["creditfusion"]["concepts"] = CONCEPTS
    document["creditfusion"]["strip"] = [{"pattern": "<[a-z]+>", "why": "tags"}]
    return parse_schema(json.dumps(document), "small")


def applications_of(folder: Path, *notes: str) -> Applications:
    read = applications(folder, [row(id=str(n), note=note) for n, note in enumerate(notes)])
    return Applications(schema(), read.frame, read.row_number)


def mask(*kinds: Sensitive) -> Mask:
    return Mask.open(kinds, schema(), TopicEncoder())


def test_sentences_of_the_kinds_are_cut_by_word_and_by_meaning(tmp_path: Path) -> None:
    notes = ["I need a car. I am ill. Thanks.", "After my surgery! I pray.", "", "A car."]
    found = mask(Sensitive.HEALTH).apply(applications_of(tmp_path, *notes))
    assert found.applications.narrative("note") == ["I need a car. Thanks.", "I pray.", "", "A car."]
    assert found.kinds == (frozenset({Sensitive.HEALTH}), frozenset({Sensitive.HEALTH}), frozenset(), frozenset())
    assert found.n_cut.tolist() == [[1], [1], [0], [0]]
    assert found.sentences == {Sensitive.HEALTH: 2}
    assert rows_by_kind(found.kinds) == {"health": 2}


def test_a_sentence_of_two_kinds_counts_for_both_and_is_cut_once(tmp_path: Path) -> None:
    found = mask(Sensitive.RELIGION, Sensitive.HEALTH).apply(applications_of(tmp_path, "Surgery, then church. A car."))
    assert found.applications.narrative("note") == ["A car."]
    assert found.kinds == (frozenset({Sensitive.HEALTH, Sensitive.RELIGION}),)
    assert found.n_cut.tolist() == [[1]]
    assert found.sentences == {Sensitive.RELIGION: 1, Sensitive.HEALTH: 1}


def test_a_narrative_that_is_cut_whole_is_not_written_and_none_of_it_is_read(tmp_path: Path) -> None:
    encoder = TopicEncoder()
    kept = mask(Sensitive.HEALTH).apply(applications_of(tmp_path, " I am ill. <br> ", "A car.")).applications
    assert kept.narrative("note") == ["", "A car."]
    block = TextReader(schema(), encoder, n_buckets=32, ngrams=1).read(kept)
    assert block.has_text[:, 0].tolist() == [False, True]
    assert block.x_lex[0].nnz == 0
    assert encoder.asked == ["A car."]


def test_what_is_cut_has_no_style(tmp_path: Path) -> None:
    kept = (
        mask(Sensitive.HEALTH).apply(applications_of(tmp_path, "I AM ILL. I am ill. a car", "I am ill.")).applications
    )
    block = TextReader(schema(), TopicEncoder(), n_buckets=32, ngrams=1, style=True).read(kept)
    np.testing.assert_array_equal(block.x_style[:, 0], np.array([[5, 0, 1, 0], [np.nan] * 4], np.float32))


def test_the_raw_text_is_cut_where_the_clean_one_was(tmp_path: Path) -> None:
    raw = "A  car.&nbsp;&amp;amp; so <br>I am ill;  thanks\n\nI am ill &lt;3"
    kept = mask(Sensitive.HEALTH).apply(applications_of(tmp_path, raw)).applications
    assert clean(kept.narrative("note")[0], schema().strip).text == "A car. &amp; so\nthanks"


def test_without_a_kind_nothing_is_cut_or_encoded(tmp_path: Path) -> None:
    encoder = TopicEncoder()
    rows = applications_of(tmp_path, "I am ill.")
    found = Mask.open((), schema(), encoder).apply(rows)
    assert found.applications is rows
    assert found.kinds == (frozenset(),)
    assert found.n_cut.tolist() == [[0]]
    assert not found.sentences
    assert encoder.asked == []


def test_a_sentence_that_is_cut_states_nothing() -> None:
    document = with_statements()
    document["creditfusion"]["concepts"] = CONCEPTS
    stating = parse_schema(json.dumps(document), "the schema")
    with simple_facts():
        text = "I earn 2,000 a month. In church I earn 50,000 a month."
        given = read_frame(application(statement=text), stating).applications
        masked = Mask.open([Sensitive.RELIGION], stating, TopicEncoder()).apply(given).applications
    assert given.frame[["stated_income", "stated_incomes"]].to_numpy().tolist() == [[600_000.0, 2.0]]
    assert masked.frame[["stated_income", "stated_incomes"]].to_numpy().tolist() == [[24_000.0, 1.0]]


def test_no_rows(tmp_path: Path) -> None:
    none = applications_of(tmp_path, "x").take(np.zeros(0, np.intp))
    found = mask(Sensitive.HEALTH).apply(none)
    assert (len(found.applications), found.kinds, rows_by_kind(found.kinds)) == (0, (), {})
    assert found.n_cut.shape == (0, 1)


def test_a_kind_without_a_concept_is_refused() -> None:
    with pytest.raises(ContractError, match=r"text\.mask names 'union', and schema 'small' has no concept .*leave the"):
        mask(Sensitive.HEALTH, Sensitive.UNION)
    with pytest.raises(ContractError, match="'health'"):
        Mask.open([Sensitive.HEALTH], replace(schema(), concepts=()), TopicEncoder())


PARTS = st.sampled_from(
    ["A car. ", "I am ill. ", "Surgery &amp; rest.\n", "<br>", "So\r\n\r\n", "ok;", " \t", "car? ", "..."]
)


@given(st.lists(PARTS, max_size=8).map("".join))
def test_what_is_left_reads_as_the_sentences_that_were_kept(raw: str) -> None:
    shut = mask(Sensitive.HEALTH)
    rules = (StripRule("<[a-z]+>", "tags"),)
    rest = shut._rests([raw], rules, named=True)[raw]
    kept = clean(rest.text, rules).text
    whole = clean(raw, rules).text
    n_health = whole.lower().count("ill") + whole.lower().count("surgery")
    assert rest.kinds == ((Sensitive.HEALTH,),) * n_health
    assert "ill" not in kept.lower()
    assert "surgery" not in kept.lower()
    assert (kept.count("car"), kept.count("So")) == (whole.count("car"), whole.count("So"))
    again = shut._rests([rest.text], rules, named=True)[rest.text]
    assert (again.text, again.kinds) == (rest.text, ())


@pytest.mark.parametrize("at", [0, 77, 199])
def test_a_sentence_is_cut_from_a_narrative_of_many(tmp_path: Path, at: int) -> None:
    sentences = [f"A car of {n} dollars. " for n in range(200)]
    sentences[at] = "I am ill. "
    assert len(passages("".join(sentences))) == MAX_PASSAGES < len(sentences)
    found = mask(Sensitive.HEALTH).apply(applications_of(tmp_path, "".join(sentences)))
    left = found.applications.narrative("note")[0]
    assert left.split() == "".join(sentences).replace("I am ill. ", "").split()
    assert found.n_cut.tolist() == [[1]]


def test_in_a_label_only_words_are_looked_for(tmp_path: Path) -> None:
    document = json.loads(schema().source)
    document["fields"].append({"name": "job", "type": "string", "creditfusion": {"role": "narrative"}})
    document["fields"][-1]["creditfusion"]["concepts"] = False
    both = parse_schema(json.dumps(document), "small")
    read = applications_of(tmp_path, "I am ill.", "I am ill. Surgery.")
    frame = read.frame.assign(job=read.frame["note"])
    encoder = TopicEncoder()
    shut = Mask.open([Sensitive.HEALTH], both, encoder)
    encoder.asked.clear()
    found = shut.apply(Applications(both, frame, read.row_number))
    assert found.applications.narrative("note") == ["", ""]
    assert found.applications.narrative("job") == ["I am ill.", "I am ill. "]
    assert found.n_cut.tolist() == [[1, 0], [2, 1]]
    assert sorted(encoder.asked) == ["I am ill.", "Surgery."]


@pytest.mark.parametrize("sentences", ["I am ill. I am ill.", "I am ill. A car for a dollar.", "A car. A red car."])
def test_the_work_of_masking_grows_with_the_text_and_no_faster(sentences: str) -> None:
    shut = mask(Sensitive.HEALTH)
    assert is_linear(lambda raw: shut._rests([raw], (), named=True), f"{sentences}\n", 500)
