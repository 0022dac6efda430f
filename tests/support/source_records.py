"""Records of the sources ``BUREAU`` and ``CALLS`` for applications, written as the files that --source names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def write_records(folder: Path, name: str, table: pd.DataFrame, seed: int) -> None:
    """Accounts of up to three a person and notes on a third of them: ``NAME.bureau.csv`` and ``NAME.calls.csv``."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(len(table)), rng.integers(0, 4, len(table)))
    opened = pd.to_datetime(table["applied_on"]).to_numpy()[owner] - rng.integers(-60, 900, len(owner)).astype(
        "timedelta64[D]"
    )
    accounts = pd.DataFrame(
        {
            "account": [f"{name}-{at}" for at in range(len(owner))],
            "application_id": table["application_id"].to_numpy()[owner],
            "opened_on": pd.Series(opened).dt.strftime("%Y-%m-%d"),
            "status": rng.choice(["open", "closed", "late"], len(owner)),
            "balance": np.round(rng.lognormal(7, 1, len(owner)), 2),
        }
    )
    accounts.to_csv(folder / f"{name}.bureau.csv", index=False)
    notes = accounts.iloc[::3].assign(note="He asked for more time. The last bill is paid.")
    notes.rename(columns={"opened_on": "day"})[["account", "day", "note"]].to_csv(
        folder / f"{name}.calls.csv", index=False
    )
