"""Made-up books of applications, whose policies are simulated."""

from __future__ import annotations

import numpy as np

from fusion.policy.policy import Economics
from fusion.policy.simulation import Book

MONEY = Economics(
    loss_given_default=0.6,
    margin=0.2,
    amount=1.0,
    cost_per_application=1.0,
    cost_per_referral=3.0,
    referred_approved=0.4,
)


def book(n: int, seed: int, money: Economics = MONEY) -> Book:
    """Rows of PDs with ties, a few of them lacking something."""
    random = np.random.default_rng(seed)
    pd = np.asarray(np.round(random.beta(1.5, 5, n), 2), np.float64)
    y = (random.random(n) < pd).astype(np.float64)
    return Book(pd, y, random.integers(1, 50, n).astype(np.float64) * 10.0, random.random(n) < 0.2, money)
