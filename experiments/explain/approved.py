"""What most approved applicants of the training population have, beside which a letter places an applicant's value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from data_schemas.fields import Direction, FieldType
from experiments.explain.columns import Column, is_of_type
from features.arrays import Flags
from features.design import TabularBlock
from features.tabular import measured
from fusion.explain.population import Population


class Side(StrEnum):
    """Where a value lies beside those of most approved applicants."""

    BELOW = "below"  # more than half of them have more
    ABOVE = "above"  # more than half of them have less
    RARER = "rarer"  # a level that fewer of them have than of all applicants
    NONE = ""  # nothing that would hold, or that would speak against the applicant


@dataclass(frozen=True)
class ApprovedValues:
    """The values of training applicants.

    Attributes:
        everyone: Their columns.
        approved: bool (n,), who would be approved.
    """

    everyone: TabularBlock
    approved: Flags

    @staticmethod
    def of(population: Population, approved: Flags) -> ApprovedValues:
        """Of the population of a model."""
        return ApprovedValues(population.columns, approved)

    def side(self, column: Column, values: TabularBlock) -> Side:
        """Where an applicant's value of a column lies; ``values`` are the columns of that applicant alone."""
        if not self.approved.any():
            return Side.NONE
        if column.name in values.cat_names:
            at = values.cat_names.index(column.name)
            return self._rarity(self.everyone.x_cat[:, at] == values.x_cat[0, at], bool(values.x_cat[0, at]))
        at = values.num_names.index(column.name)
        (own,), theirs = (measured(column, block.x_num[:, at]) for block in (values, self.everyone))
        if is_of_type(column, FieldType.BOOLEAN):
            return self._rarity(theirs == own, bool(np.isfinite(own)))
        more, less = (float(np.mean(one[self.approved])) > 0.5 for one in (theirs > own, theirs < own))
        if more and column.direction is not Direction.RISING:
            return Side.BELOW
        return Side.ABOVE if less and column.direction is not Direction.FALLING else Side.NONE

    def _rarity(self, alike: Flags, known: bool) -> Side:
        rarer = known and float(np.mean(alike[self.approved])) < float(np.mean(alike))
        return Side.RARER if rarer else Side.NONE
