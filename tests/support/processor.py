"""Train small models and score with those of another processor, in a process of its own.

What makes one processor stand for another is read from the environment when libraries are loaded.

    python -m tests.support.processor OWN OTHER    other's models lie in OTHER, or in OWN where these are the same
"""

from __future__ import annotations

import sys
from pathlib import Path

from experiments.demo.data import generate
from tests.support.bundles import train_small
from tests.support.command_line import creditfusion

PRECISIONS = ("fp32", "bf16")


def main(own: Path, other: Path) -> None:
    """Leave ``own / PRECISION / "model"`` and, of the applications scored with other's model, ``scored.csv``."""
    own.mkdir()
    new = own / "new.csv"
    generate(300, 2).table.drop(columns="outcome").to_csv(new, index=False)
    for precision in PRECISIONS:
        train_small(own / precision, generate(600, 1).table, f"encoder.precision='{precision}'")
        out = ("--out", own / precision / "scored.csv", "--no-cache")
        assert creditfusion("score", "--model", other / precision / "model", "--data", new, *out) == 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
