"""creditfusion from Python: load a model, score and explain rows, train a classifier.

    import fusion

    model = fusion.load("model")
    scored = model.score(frame)  # scored.scores, scored.rejects
    why = model.explain(frame)  # why.reasons(), why.to_shap()

What a name needs is imported when it is first used, so that ``import fusion`` takes no time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data_schemas.reader import load_schema
    from fusion.config import Config
    from fusion.estimator import CreditFusionClassifier
    from fusion.scorer import Scorer
    from fusion.scorer import load_scorer as load

__all__ = ["Config", "CreditFusionClassifier", "Scorer", "load", "load_schema"]


def __getattr__(name: str) -> object:
    if name in ("load", "Scorer"):
        from fusion.scorer import Scorer, load_scorer

        return Scorer if name == "Scorer" else load_scorer
    if name == "CreditFusionClassifier":
        from fusion.estimator import CreditFusionClassifier

        return CreditFusionClassifier
    if name == "Config":
        from fusion.config import Config

        return Config
    if name == "load_schema":
        from data_schemas.reader import load_schema

        return load_schema
    raise AttributeError(f"module 'fusion' has no attribute {name!r}")
