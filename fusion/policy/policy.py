"""The credit policy: which PDs are approved, referred to a person or declined, and what approving earns and loses.

A policy comes from a TOML file (``fusion.policy.policy_file.load_policy``), or is the model's own cut-off and nothing
else (``default_policy``).
``decide`` is the one place where a PD becomes a decision.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from data_schemas.errors import ContractError
from data_schemas.fields import Field as SchemaField
from data_schemas.fields import FieldType
from features.arrays import Flags, Floats
from features.design import TabularBlock
from features.tables.applications import Applications
from features.tabular import TabularEncoder
from fusion.config import Config

Decision = Literal["approve", "refer", "decline"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)
BETWEEN = "between_cutoffs"
NO_NARRATIVE = "no_narrative"
SECOND = "second:"
"""Begins the reason of a referral by a second model; its name follows."""

Seconds = Mapping[str, Floats]
"""Probabilities by second models, such as one of fraud, by their names: float64 (n,), NaN for a row that breaks the
data contract of that model.
"""
NO_SECONDS: Seconds = {}

Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class PolicySegment(BaseModel):
    """A node of the policy: frozen, and strict about types and unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Cutoffs(PolicySegment):
    """Approve PDs up to ``approve``, decline those above ``decline``, refer those between; equal: refer none."""

    approve: Share
    decline: Share

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.approve > self.decline:
            raise ValueError(f"approve = {self.approve} lies above decline = {self.decline}")
        return self


class Segments(PolicySegment):
    """Cut-offs of their own for some values of one column; every other row has those of ``[cutoffs]``.

    Attributes:
        column: the column.
        cutoffs: by value of the column, as text.
    """

    column: str
    cutoffs: dict[str, Cutoffs] = Field(min_length=1)


class Refer(PolicySegment):
    """What turns an approval into a referral, never a decline.

    Attributes:
        no_narrative: nothing was written.
        quality: data-quality flags, each alone (``"missing"``) or of one column or kind (``"missing:income"``,
            ``"masked:health"``).
        second: by name of a second model the probability above which a row is referred; so is one without any.
    """

    no_narrative: bool = False
    quality: tuple[str, ...] = Field((), strict=False)
    second: dict[str, Share] = {}


class Economics(PolicySegment):
    """What a loan earns and loses, in the currency of the amounts.

    Attributes:
        loss_given_default: share of the amount that is lost with a bad loan, all recovered money and interest counted.
        margin: share of the amount that is earned on a good loan over its life, after funding.
        amount: of every loan, or the numeric feature that holds it.
        cost_per_application: of handling an application.
        cost_per_referral: of handling a referral, on top of the former.
        referred_approved: share of the referred that a person approves in the end, taken to be alike in good and bad.
    """

    loss_given_default: Share
    margin: Annotated[float, Field(ge=0, le=10)]
    amount: Annotated[float, Field(gt=0, allow_inf_nan=False)] | str
    cost_per_application: Money = 0.0
    cost_per_referral: Money = 0.0
    referred_approved: Share = 0.5


class Constraints(PolicySegment):
    """Limits that proposed cut-offs must meet, over all segments together; None: no limit.

    Attributes:
        min_approval_rate: share of the applications that end approved, the referred by ``referred_approved``.
        max_bad_rate: expected bad rate of those.
        max_refer_rate: share of the applications that a person looks at.
    """

    min_approval_rate: Share | None = None
    max_bad_rate: Share | None = None
    max_refer_rate: Share | None = None


class Policy(PolicySegment):
    """The whole policy; without ``economics`` it decides, but its profit cannot be computed.

    Attributes:
        cutoffs: of all rows without cut-offs of their own.
        segments: cut-offs of single segments.
        refer: reasons for a referral beside the PD: data quality, and second models.
        economics: what loans earn and cost.
        constraints: of a proposal.
    """

    cutoffs: Cutoffs
    segments: Segments | None = None
    refer: Refer = Refer()
    economics: Economics | None = None
    constraints: Constraints = Constraints()

    @property
    def digest(self) -> str:
        """sha256 of what the decisions depend on; money and constraints are no part of it."""
        content = self.model_dump_json(include={"cutoffs", "segments", "refer"})
        return hashlib.sha256(content.encode()).hexdigest()

    def cutoffs_of(self, segment: str) -> Cutoffs:
        """The cut-offs of a value of the segments' column."""
        return self.segments.cutoffs.get(segment, self.cutoffs) if self.segments else self.cutoffs


@dataclass(frozen=True)
class Decisions:
    """The decisions on n applications.

    Attributes:
        decision: one per row.
        refer_reason: why a row is referred, joined by ``;`` (``between_cutoffs``, ``no_narrative``, entries of
            ``refer.quality``, ``second:NAME``), "" for the others.
    """

    decision: tuple[Decision, ...]
    refer_reason: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.decision)

    def rows_with(self, decision: Decision) -> Flags:
        """bool (n,): the rows with this decision."""
        return np.array([one == decision for one in self.decision], dtype=np.bool_)


def decide(
    policy: Policy, pd: Floats, segments: Sequence[str], quality: Sequence[str], seconds: Seconds = NO_SECONDS
) -> Decisions:
    """Approve, refer or decline each application.

    A PD equal to a cut-off has the milder decision. Data quality and second models (``policy.refer``) turn approvals
    into referrals, never into or out of a decline; their reasons are also named beside rows that are referred for their
    PD.

    Args:
        pd: float64 (n,).
        segments: values of the segments' column as text (``segments_of``).
        quality: data-quality flags (``features.tables.data_quality.data_quality``).
        seconds: of every second model that the policy names, at least.

    Raises:
        ValueError: when the parts differ in length.
        ContractError: when the probabilities of a second model that the policy names are not given.
    """
    by_seconds = _second_reasons(policy.refer, seconds, len(pd))
    rows = zip(pd.tolist(), segments, quality, by_seconds, strict=True)
    found = [_decide_one(policy, *row) for row in rows]
    return Decisions(tuple(decision for decision, _ in found), tuple(reason for _, reason in found))


def decide_all(
    policy: Policy, applications: Applications, pd: Floats, quality: Sequence[str], seconds: Seconds = NO_SECONDS
) -> Decisions:
    """``decide`` for applications with these PDs (n,) and data-quality flags.

    Raises ContractError as ``decide`` does, and where their file has no column that the policy's segments need.
    """
    return decide(policy, pd, segments_of(policy, applications), quality, seconds)


def _decide_one(
    policy: Policy, pd: float, segment: str, quality: str, by_seconds: tuple[str, ...]
) -> tuple[Decision, str]:
    cutoffs = policy.cutoffs_of(segment)
    if pd > cutoffs.decline:
        return "decline", ""
    between = (BETWEEN,) if pd > cutoffs.approve else ()
    reasons = (*between, *_quality_reasons(policy.refer, quality), *by_seconds)
    return ("refer", ";".join(reasons)) if reasons else ("approve", "")


def _second_reasons(refer: Refer, seconds: Seconds, n: int) -> list[tuple[str, ...]]:
    """Of each of n rows the second models by which it is referred."""
    if absent := [name for name in refer.second if name not in seconds]:
        raise ContractError(
            f"the policy refers by second model {absent[0]!r}, whose probabilities are not given",
            "Give them, or leave the name out of refer.second.",
        )
    # Not "above": a row without a probability is referred too.
    referred = {name: ~(seconds[name] <= bound) for name, bound in refer.second.items()}
    return [tuple(f"{SECOND}{name}" for name, rows in referred.items() if rows[at]) for at in range(n)]


def _quality_reasons(refer: Refer, quality: str) -> tuple[str, ...]:
    """The entries of ``refer`` that data-quality flags meet; ``missing:a,b`` meets ``missing`` and ``missing:b``."""
    wanted = ((NO_NARRATIVE,) if refer.no_narrative else ()) + refer.quality
    if not wanted or not quality:
        return ()
    met = set()
    for flag in quality.split(";"):
        name, _, listed = flag.partition(":")
        met |= {name, *(f"{name}:{one}" for one in listed.split(","))}
    return tuple(entry for entry in wanted if entry in met)


def referred_otherwise(refer: Refer, quality: Sequence[str], seconds: Seconds = NO_SECONDS) -> Flags:
    """bool (n,): the rows that are referred, for data quality or by a second model, where their PD would approve them.

    Raises ContractError as ``decide`` does.
    """
    rows = zip(quality, _second_reasons(refer, seconds, len(quality)), strict=True)
    return np.array([bool(_quality_reasons(refer, flags) or by_seconds) for flags, by_seconds in rows], dtype=np.bool_)


def segments_of(policy: Policy, applications: Applications) -> list[str]:
    """The values of the segments' column as text, "" where it is missing or the policy has no segments.

    Numbers stand in their shortest form (``36``), booleans as ``true`` and ``false``.
    Raises ContractError where the file has no such column.
    """
    if policy.segments is None:
        return [""] * len(applications)
    name = policy.segments.column
    field, values = applications.schema[name], feature_values(applications, name).tolist()
    return [value_text(field, value) for value in values] if field.is_numeric else values


def amounts_of(economics: Economics, applications: Applications) -> Floats:
    """The amount of each application, float64 (n,); where it is missing, the mean of the others (NaN without any).

    Raises ContractError where the file has no such column.
    """
    if not isinstance(economics.amount, str):
        return np.full(len(applications), float(economics.amount))
    amounts = feature_values(applications, economics.amount).astype(np.float64)
    known = amounts[~np.isnan(amounts)]
    return np.where(np.isnan(amounts), known.mean() if len(known) else np.nan, amounts)


def feature_values(applications: Applications, name: str) -> npt.NDArray[np.object_] | Floats:
    """A column that the policy names; raises ContractError where the file lacks it."""
    if name not in applications.frame:
        raise ContractError(
            f"the policy needs the column {name!r}, which the file lacks", "Add it to the file, or change the policy."
        )
    return applications.frame[name].to_numpy()


def encoded_cutoffs(policy: Policy, columns: TabularBlock, encoder: TabularEncoder) -> Floats:
    """The PD up to which each row is approved, float64 (n,), of rows that are kept only as a model sees them.

    A missing value of the segments' column counts as it was filled, and a level that the model does not know has the
    cut-offs of rows without their own.
    """
    found = np.full(len(columns), policy.cutoffs.approve)
    if policy.segments is None:
        return found
    name = policy.segments.column
    if name in encoder.cat_names:
        codes, levels = columns.x_cat[:, encoder.cat_names.index(name)], ("", *encoder.levels[name])
        names = [levels[code] for code in codes.tolist()]
    else:  # a float32 in the fewest digits that name it
        field, values = encoder.schema[name], columns.x_num[:, encoder.num_names.index(name)]
        names = [value_text(field, float(str(value))) for value in values]
    return np.array([policy.cutoffs_of(one).approve for one in names])


def value_text(field: SchemaField, value: float) -> str:
    """A value of a numeric or boolean column as text; "" for NaN."""
    if math.isnan(value):
        return ""
    return str(value == 1.0).lower() if field.type is FieldType.BOOLEAN else f"{value:.15g}"


def deciding_policy(given: Policy | None, kept: Policy | None, config: Config) -> Policy:
    """What decides: the policy that is given, else the one kept in the bundle, else the model's own cut-off."""
    return given or kept or default_policy(config)


def default_policy(config: Config) -> Policy:
    """The model's own cut-off: approve up to it, decline above it, refer nobody."""
    limit = config.decision.max_pd
    return Policy(cutoffs=Cutoffs(approve=limit, decline=limit))
