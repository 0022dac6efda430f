"""The shipped Chinese set of concepts mirrors the English one, and its words flag no innocent sentence."""

from __future__ import annotations

import json

import pytest

from data_schemas.concepts import Concept
from data_schemas.reader import load_schema, parse_schema
from features.narratives.concepts import kinds_by_words
from features.text.scripts import has_spaceless, language_of


def concepts(name: str) -> tuple[Concept, ...]:
    document = json.loads(load_schema("demo").source)
    document["creditfusion"]["concepts"] = name
    return parse_schema(json.dumps(document), "demo").concepts


CHINESE, ENGLISH = concepts("consumer_lending.zh"), concepts("consumer_lending")


def test_it_has_the_concepts_of_the_english_set() -> None:
    for own, other in zip(CHINESE, ENGLISH, strict=True):
        assert own.reason.code == other.reason.code
        assert own.reason.disclosable == other.reason.disclosable
        assert own.sensitive == other.sensitive
        assert bool(own.words) == bool(other.words)
        assert abs(len(own.statements) - len(other.statements)) <= 3


def test_it_is_written_in_chinese() -> None:
    for own in CHINESE:
        assert language_of(own.name) == language_of(own.reason.wording) == "Chinese"
        assert own.reason.wording.startswith("您写到的")
        assert own.reason.wording.endswith(("对您的申请不利。", "没有给您的申请加分。"))
        assert all(language_of(statement) == "Chinese" for statement in own.statements)
        assert all(has_spaceless(word) and len(word) > 1 for word in own.words)
        assert len(set(own.words)) == len(own.words)


@pytest.mark.parametrize(
    "text",
    [
        "本金和尚未偿还的利息",
        "其中风险我很清楚",
        "下礼拜还款",
        "从网上访问你们的页面",
        "拿出家里的积蓄",
        "公司召开员工会议",
        "男同事和女同事都借过",
        "用货拉拉搬东西",
        "有最低保障",
        "每月子公司结一次账",
        "以后事业有成",
        "我相信主管的话",
        "考试通过，领证书",
        "这个方法会更好",
        "街道教育中心",
        "想买一辆车跑运输",
    ],
)
def test_words_inside_other_words_flag_nothing(text: str) -> None:
    assert kinds_by_words(CHINESE, [text]) == [frozenset()]


def test_every_kind_is_found_by_its_words() -> None:
    for own in CHINESE:
        if own.sensitive:
            found = kinds_by_words(CHINESE, list(own.statements))
            n = sum(own.sensitive in kinds for kinds in found)
            assert n >= len(own.statements) // 3, own.name
