"""Explain one applicant: what gave and took points, down to single sentences, and the reasons for the decision.

creditfusion demo --rows 2000                  # writes demo_run/
python examples/explain_one.py demo_run
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

import fusion


def main(folder: Path) -> None:
    """Explain the application of the highest PD in new.csv by the model in model/."""
    model = fusion.load(folder / "model")
    new = pd.read_csv(folder / "new.csv")
    top = model.score(new).scores.nlargest(1, "pd")
    riskiest, answer = new.loc[top.index], top.iloc[0]
    print(f"{answer['id']}: PD {answer['pd']:.1%}, {answer['score']:.0f} points, {answer['decision']}\n")

    why = model.explain(riskiest)
    print(why.reasons()[["code", "points", "wording"]].to_string(index=False), "\n")

    # Contributions are log-odds of default: above 0 they raise the risk. With the base they add up to the margin.
    explanation = why.explanation
    columns = pd.Series(explanation.columns[0], index=explanation.column_names).sort_values()
    print(columns.tail(5).round(3).to_string(), "\n")
    for text, log_odds in zip(explanation.block.text, explanation.sentences, strict=True):
        print(f"{log_odds:+.3f}  {text}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo_run"))
