"""A tiny trained model, some rows and the log-odds that it gave them, kept as JSON: ``fusion/golden/model.json``.

The weights are kept too, so the file holds scoring to its digits, whatever happens to training. After a deliberate
change of how a trained model scores, or of what it is made of, write the file anew and say so in the commit:

    python -m tests.support.golden_model
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from features.design import Design, TabularBlock, TextBlock, no_style
from fusion.config import Config, FoldConfig, HeadConfig, StackerConfig
from fusion.model.basis import Basis
from fusion.model.fusion_model import Assembly, FusionModel, Margins, Member, TextModel
from fusion.model.head import Head
from fusion.model.stacker import Stacker
from fusion.model.text_components import TextComponents
from fusion.model.training import fit
from fusion.model.training_sample import TrainingSample
from tests.support.designs import Shape, make_design, outcome

FILE = Path(__file__).parents[1] / "fusion" / "golden" / "model.json"
CONFIG = Config(
    folds=FoldConfig(n_folds=2, n_repeats=1),
    head=HeadConfig(n_bins=3, text_penalty=30.0, steps=30),
    stacker=StackerConfig(n_trees=6, num_leaves=4, min_leaf_rows=10, learning_rate=0.2),
)
SHAPE = Shape(n_num=2, n_cat=1, n_narratives=2, dim=3, n_buckets=8)
N_ROWS = 12
MARGINS = ("fused", "columns_only", "text_only")


@dataclass(frozen=True)
class Golden:
    """A model, rows, and their log-odds: the fused model's and its ablations'."""

    model: FusionModel
    design: Design
    margins: Margins


def read() -> Golden:
    """What the file holds."""
    document = json.loads(FILE.read_text(encoding="utf-8"))
    arrays = {name: _from_json(array) for name, array in document["design"].items()}
    x_lex = sparse.csr_matrix(arrays.pop("words"))
    names = {name: tuple(values) for name, values in document["names"].items()}
    tabular = TabularBlock(arrays["x_num"], arrays["x_cat"], names["num"], names["cat"], names["n_levels"])
    text = TextBlock(arrays["x_text"], arrays["has_text"], x_lex, names["narratives"], no_style(arrays["has_text"]))
    basis = Basis(**{name: _from_json(array) for name, array in document["basis"].items()})
    fused, columns_only = _assembly(document["fused"]), _assembly(document["columns_only"])
    text_only = TextModel(_head(document["text_only"]["head"]), **document["text_only"]["line"])
    whole, columns, text_alone = (np.array(document["margins"][name]) for name in MARGINS)
    components = TextComponents(**{name: _from_json(array) for name, array in document["components"].items()})
    model = FusionModel(basis, components, 0, fused, columns_only, text_only, CONFIG.scale)
    return Golden(model, Design(tabular, text), Margins(whole, columns, text_alone))


def write() -> None:
    """Train the model anew and write the file."""
    design = make_design(300, shape=SHAPE)
    y = outcome(design)
    model, _ = fit(TrainingSample(design, y, np.arange(len(y)), (1, 0)), CONFIG)
    rows = make_design(N_ROWS, seed=1, shape=SHAPE)
    margins = model.margins(rows)
    tabular, text = rows.tabular, rows.text
    arrays = {
        "x_num": tabular.x_num,
        "x_cat": tabular.x_cat,
        "x_text": text.x_text,
        "has_text": text.has_text,
        "words": text.x_lex.toarray(),
    }
    names = {
        "num": tabular.num_names,
        "cat": tabular.cat_names,
        "n_levels": tabular.n_levels,
        "narratives": text.names,
    }
    document = {
        "design": {name: _to_json(array) for name, array in arrays.items()},
        "names": names,
        "basis": {field.name: _to_json(getattr(model.basis, field.name)) for field in fields(Basis)},
        "components": {name: _to_json(array) for name, array in model.components.to_arrays().items()},
        "fused": _assembly_json(model.fused),
        "columns_only": _assembly_json(model.columns_only),
        "text_only": {
            "head": _head_json(model.text_only.head),
            "line": {"slope": model.text_only.slope, "intercept": model.text_only.intercept},
        },
        "margins": {name: getattr(margins, name).tolist() for name in MARGINS},
    }
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(document, allow_nan=False) + "\n", encoding="utf-8")


def changed(golden: Golden) -> Golden:
    """The same model with one weight a little off, which a test of these digits must notice."""
    head = golden.model.fused.head
    fused = replace(golden.model.fused, head=replace(head, bias=head.bias + 1e-4))
    return replace(golden, model=replace(golden.model, fused=fused))


def _to_json(array: npt.NDArray[Any]) -> dict[str, Any]:
    """An array without loss; missing numbers as null."""
    values = [None if value != value else value for value in array.ravel().tolist()]
    return {"dtype": str(array.dtype), "shape": array.shape, "values": values}


def _from_json(document: Mapping[str, Any]) -> npt.NDArray[Any]:
    values = [np.nan if value is None else value for value in document["values"]]
    return np.array(values, dtype=document["dtype"]).reshape(document["shape"])


def _assembly_json(assembly: Assembly) -> dict[str, Any]:
    return {
        "head": _head_json(assembly.head),
        "boosters": assembly.stacker.to_text(),
        "weights": assembly.stacker.weights,
        "intercept": assembly.intercept,
        "members": [asdict(member) for member in assembly.members],
    }


def _assembly(document: Mapping[str, Any]) -> Assembly:
    stacker = Stacker.from_text(document["boosters"], document["weights"])
    members = tuple(Member(**member) for member in document["members"])
    return Assembly(_head(document["head"]), stacker, document["intercept"], members)


def _head_json(head: Head) -> dict[str, Any]:
    return {name: _to_json(array) for name, array in head.to_arrays().items()}


def _head(document: Mapping[str, Any]) -> Head:
    """The head that ``_head_json`` gave."""
    return Head.from_arrays({name: _from_json(array) for name, array in document.items()})


if __name__ == "__main__":
    write()
