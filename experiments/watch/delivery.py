"""Delivering alerts: posted to a webhook as JSON, mailed in one message.

An alert stays in the outbox of the state until its receiver has taken it. It may arrive twice, where a run is killed
between the receiver's answer and its note; its id, which is the idempotency key of the post and stands in the message,
tells. Neither address nor secret nor what a receiver answers gets into a log.
"""

from __future__ import annotations

from collections.abc import Sequence

from fusion.watch.alerts import Alert, at_least
from fusion.watch.rules import Rules

WEBHOOK, EMAIL = "webhook", "email"


def hooks_of(alert: Alert, rules: Rules) -> Sequence[str]:
    """The hooks that deliver an alert."""
    hooks = ((WEBHOOK, rules.webhook), (EMAIL, rules.email))
    return [name for name, hook in hooks if hook is not None and at_least(alert.grade, hook.least)]
