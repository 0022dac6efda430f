"""Applications for loans in Chinese, with a rule planted in a column and in what is written."""

from __future__ import annotations

import numpy as np
import pandas as pd

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

BASE, INCOME, PER_ADVERSE, PER_FAVOURABLE = -0.6, -0.5, 1.6, -1.2


def chinese_applications(n: int, seed: int = 0, absent: float = 0.1) -> tuple[pd.DataFrame, np.ndarray]:
    """``n`` decided applications with headers in Chinese, and the log-odds that the planted rule gave each.

    A share ``absent`` of the rows has no narrative.
    """
    rng = np.random.default_rng(seed)
    rows, odds = [], np.zeros(n)
    for i in range(n):
        income = round(float(np.exp(rng.normal(8.9, 0.4))), 0)
        n_bad, n_good = (0, 0) if rng.random() < absent else (int(rng.random() < 0.35), int(rng.random() < 0.35))
        written = "" if rng.random() < 0.0 else _narrative(rng, n_bad, n_good)
        odds[i] = BASE + INCOME * (np.log(income) - 8.9) / 0.4 + PER_ADVERSE * n_bad + PER_FAVOURABLE * n_good
        bad = rng.random() < 1.0 / (1.0 + np.exp(-odds[i]))
        rows.append(
            (f"申{i:05d}", income, "自有" if rng.random() < 0.4 else "租房", written, "违约" if bad else "正常")
        )
    return pd.DataFrame(rows, columns=["申请编号", "月收入", "住房", "申请说明", "结果"]), odds


def _narrative(rng: np.random.Generator, n_adverse: int, n_favourable: int) -> str:
    own = [str(rng.choice(ADVERSE)) for _ in range(n_adverse)] + [
        str(rng.choice(FAVOURABLE)) for _ in range(n_favourable)
    ]
    own += [str(one) for one in rng.choice(NEUTRAL, size=int(rng.integers(2, 5)), replace=False)]
    filled = [_filled(rng, own[at]) for at in rng.permutation(len(own))]
    return "".join(one + "。" for one in filled)


def _filled(rng: np.random.Generator, sentence: str) -> str:
    return sentence.format(
        n=rng.integers(2, 9), k=rng.integers(1, 20), m=12 * rng.integers(1, 4), city=rng.choice(CITIES)
    )
