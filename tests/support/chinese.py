"""Applications for loans in Chinese, with a rule planted in a column and in what is written."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from features.arrays import Floats

ADVERSE = (
    "上个月公司裁员，我失业了",
    "我现在没有工作，还在找下家",
    "工厂倒闭以后我一直待业在家",
    "我{n}个月前被公司辞退了",
    "因为丢了工作，这几个月没有工资",
    "单位效益不好，我已经下岗{n}个月",
)
"""What raises the planted risk: the loss of a job, in words that share characters with ``NEUTRAL``."""

FAVOURABLE = (
    "每个月都按时还款，从来没有逾期",
    "信用卡{n}年来没有一次逾期",
    "以前的贷款都提前结清了",
    "征信记录良好，没有任何不良",
    "我一直按期归还，从不拖欠",
    "上一笔借款已经按时还清",
)
"""What lowers it: debts paid in time."""

NEUTRAL = (
    "我想申请一笔{k}万元的贷款",
    "打算用来装修新买的房子",
    "毕业以后我一直在这个行业上班",
    "公司在{city}，上下班要一个小时",
    "这笔钱准备给孩子交学费",
    "家里还有{n}张信用卡要还",
    "想买一辆二手车，跑业务方便",
    "按照合同，房租每季度交一次",
    "希望能分{m}期归还，利息低一点",
    "我在工厂做质检，工作时间固定",
    "创业的朋友介绍我来贵公司",
    "找工作的时候朋友帮过我，现在想请他吃饭",
    "请尽快审批，谢谢",
    "户口在{city}，现在租房住",
    "下个月妹妹结婚，需要置办家具",
    "到期日期我记在日历上了",
    "没有别的要求，只想办得快一些",
    "店里要进一批货，周转{n}个月",
)
CITIES = ("成都", "武汉", "西安", "长沙", "郑州", "青岛")
LETTERS = "".join(
    sorted({letter for text in (*ADVERSE, *FAVOURABLE, *NEUTRAL, *CITIES) for letter in text if letter > "~"})
)
"""Every Chinese character that a narrative may hold, for the vocabulary of a small encoder."""

ID, INCOME, HOME, STATEMENT, OUTCOME = "申请编号", "月收入", "住房", "申请说明", "结果"
BASE, PER_INCOME, PER_ADVERSE, PER_FAVOURABLE = -0.6, -0.6, 1.8, -1.4


@dataclass(frozen=True)
class ChineseLoans:
    """Decided applications and the rule that decided them.

    Attributes:
        table: with headers in Chinese.
        log_odds: float64 (n,), of bad, by the planted rule.
    """

    table: pd.DataFrame
    log_odds: Floats


def chinese_loans(n: int, seed: int) -> ChineseLoans:
    """``n`` applications; one in ten has no narrative."""
    rng = np.random.default_rng(seed)
    rows, log_odds = [], np.zeros(n)
    for at in range(n):
        size = rng.normal()
        adverse, favourable, written = rng.random(3) < (0.35, 0.35, 0.9)
        text = _statement(rng, adverse, favourable) if written else ""
        log_odds[at] = BASE + PER_INCOME * size + written * (adverse * PER_ADVERSE + favourable * PER_FAVOURABLE)
        bad = rng.random() < 1.0 / (1.0 + np.exp(-log_odds[at]))
        income, home = round(7000 * np.exp(0.4 * size)), "自有" if rng.random() < 0.4 else "租房"
        rows.append((f"申{seed}-{at:05d}", income, home, text, "违约" if bad else "正常"))
    return ChineseLoans(pd.DataFrame(rows, columns=[ID, INCOME, HOME, STATEMENT, OUTCOME]), log_odds)


def chinese_schema(concepts: str = "consumer_lending.zh") -> Schema:
    """The contract of these applications, in Chinese."""

    def field(name: str, type_: str, role: str, code: str = "", wording: str = "") -> dict[str, object]:
        own = {"role": role, **({"reason": {"code": code, "wording": wording}} if code else {})}
        return {"name": name, "type": type_, "title": name, "creditfusion": own}

    fields = [
        field(ID, "string", "id"),
        field(INCOME, "number", "feature", "INCOME", "您的月收入对您的申请不利。"),
        field(HOME, "string", "feature", "HOME", "您的住房情况对您的申请不利。") | {"categories": ["自有", "租房"]},
        field(STATEMENT, "string", "narrative", "STATEMENT", "您写的申请说明对您的申请不利。"),
        field(OUTCOME, "string", "target"),
    ]
    own = {"version": 1, "name": "zh_loans", "bad_values": ["违约"], "good_values": ["正常"], "concepts": concepts}
    document = {"title": "消费贷款", "fields": fields, "creditfusion": own}
    return parse_schema(json.dumps(document, ensure_ascii=False), "zh_loans")


def _statement(rng: np.random.Generator, adverse: bool, favourable: bool) -> str:
    own = [rng.choice(NEUTRAL, size=int(rng.integers(2, 5)), replace=False)]
    if adverse:
        own.append(rng.choice(ADVERSE, size=1))
    if favourable:
        own.append(rng.choice(FAVOURABLE, size=1))
    sentences = rng.permutation(np.concatenate(own))
    slots = {
        "n": rng.integers(2, 9),
        "k": rng.integers(1, 20),
        "m": 12 * rng.integers(1, 4),
        "city": rng.choice(CITIES),
    }
    return "".join(f"{sentence}。".format(**slots) for sentence in sentences.tolist())
