"""Delivering alerts: posted to a webhook as JSON, mailed in one message.

An alert stays in the outbox of the state until its receiver has taken it, and is tried again by the next run. It may
arrive twice, where a run is killed between the receiver's answer and its note; its id, which is the idempotency key of
the post and stands in the message, tells. Neither address nor secret nor what a receiver answers gets into a log.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import smtplib
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from functools import partial

from data_schemas.errors import ContractError
from experiments.reporting.words import count
from experiments.session.run import Run
from experiments.watch.outputs import alert_json, row_words
from experiments.watch.state import State
from fusion.watch.alerts import Alert, at_least
from fusion.watch.rules import Email, Rules, Webhook

WEBHOOK, EMAIL = "webhook", "email"
TRIES = 3
FIRST_PAUSE = 1.0  # seconds; each further one is twice as long
MAX_SUBJECT = 120  # characters
_AGAIN = (408, 425, 429)  # answers that ask for another try, beside those of 500 and more

Sleep = Callable[[float], None]


class DeliveryError(Exception):
    """A receiver did not take an alert; the message says why, without its address."""

    def __init__(self, why: str, again: bool) -> None:
        super().__init__(why)
        self.again = again


def hooks_of(alert: Alert, rules: Rules) -> Sequence[str]:
    """The hooks that deliver an alert."""
    hooks = ((WEBHOOK, rules.webhook), (EMAIL, rules.email))
    return [name for name, hook in hooks if hook is not None and at_least(alert.grade, hook.least)]


@dataclass(frozen=True)
class Deliverer:
    """The receivers of alerts, with their secrets; raises ContractError where a variable with one is not set.

    Attributes:
        rules: say who they are.
        sleep: waits between tries.
    """

    rules: Rules
    sleep: Sleep = time.sleep

    def __post_init__(self) -> None:
        if self.rules.webhook is not None:
            _post_request(self.rules.webhook, b"", "")
        if self.rules.email is not None:
            _secret(self.rules.email.password_env, "email.password_env")

    def deliver(self, state: State, run: Run) -> None:
        """Deliver what waits; what a receiver does not take is noted, and stays."""
        if self.rules.webhook is not None:
            for alert in state.waiting(WEBHOOK):
                if not self._tried(WEBHOOK, (alert,), partial(self._post, alert), state, run):
                    break  # the others would fail alike, each after its tries
        if self.rules.email is not None and (alerts := state.waiting(EMAIL)):
            self._tried(EMAIL, alerts, partial(self._mail, alerts), state, run)

    def _tried(self, hook: str, alerts: Sequence[Alert], send: Callable[[], None], state: State, run: Run) -> bool:
        """Whether alerts were delivered, after some tries."""
        pause = FIRST_PAUSE
        for left in range(TRIES - 1, -1, -1):
            try:
                send()
            except DeliveryError as error:
                if left and error.again:
                    self.sleep(pause)
                    pause *= 2
                    continue
                waiting = count(len(state.waiting(hook)), "alert")
                run.note(f"{hook}: {error}; {waiting} kept for the next run", {"hook": hook, "undelivered": str(error)})
                return False
            state.deliver(hook, alerts)
            run.log.write("delivered", {"hook": hook, "alerts": [alert.id for alert in alerts]})
            return True
        return False

    def _post(self, alert: Alert) -> None:
        hook = self.rules.webhook
        assert hook is not None
        body = json.dumps({"text": headline(alert), **alert_json(alert)}).encode()
        try:
            with _OPENER.open(_post_request(hook, body, alert.id), timeout=hook.seconds):
                return
        except urllib.error.HTTPError as error:
            again = error.code in _AGAIN or error.code >= 500
            raise DeliveryError(f"the receiver answers {error.code}", again) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise DeliveryError(f"the receiver cannot be reached ({_why(error)})", True) from None

    def _mail(self, alerts: Sequence[Alert]) -> None:
        hook = self.rules.email
        assert hook is not None
        context = ssl.create_default_context()
        try:
            server = (
                smtplib.SMTP_SSL(hook.host, hook.port, timeout=hook.seconds, context=context)
                if hook.security == "tls"
                else smtplib.SMTP(hook.host, hook.port, timeout=hook.seconds)
            )
            with server:
                if hook.security == "starttls":
                    server.starttls(context=context)
                if hook.user:
                    server.login(hook.user, _secret(hook.password_env, "email.password_env"))
                server.send_message(message_of(alerts, hook))
        except smtplib.SMTPResponseException as error:
            raise DeliveryError(f"the mail server answers {error.smtp_code}", 400 <= error.smtp_code < 500) from None
        except smtplib.SMTPException as error:
            raise DeliveryError(f"the mail server does not take the message ({type(error).__name__})", False) from None
        except OSError as error:
            raise DeliveryError(f"the mail server cannot be reached ({_why(error)})", True) from None


def headline(alert: Alert) -> str:
    """An alert in one line."""
    return f"[{alert.grade}] {alert.period}: {alert.words}"


def message_of(alerts: Sequence[Alert], hook: Email) -> EmailMessage:
    """Alerts as one mail; equal alerts have the same Message-ID."""
    message = EmailMessage()
    alarms = sum(alert.grade == "alarm" for alert in alerts)
    found = f"{count(alarms, 'alarm')}, {count(len(alerts) - alarms, 'warning')}: {headline(alerts[0])}"
    # A line break would begin another header.
    message["Subject"] = " ".join(f"creditfusion watch: {found}".split())[:MAX_SUBJECT]
    message["From"], message["To"] = hook.sender, ", ".join(hook.to)
    message["Date"] = formatdate()
    digest = hashlib.sha256(" ".join(alert.id for alert in alerts).encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{digest}@creditfusion.watch>"
    message.set_content("\n\n".join(_paragraph(alert) for alert in alerts) + "\n")
    return message


def _paragraph(alert: Alert) -> str:
    lines = [
        headline(alert),
        f"rule {alert.rule}, {alert.check} {alert.subject}".rstrip() + f", id {alert.id}",
        f"now {alert.now:.4g} ({alert.low:.4g} to {alert.high:.4g}), usually {alert.usual:.4g}; departs by "
        f"{alert.value:.4g}, level {alert.level:.4g}; p = {alert.p:.2g}; {alert.n_rows:,} rows",
    ]
    if alert.rows:
        lines.append("first rows: " + "; ".join(map(row_words, alert.rows)))
    return "\n".join(lines)


def _post_request(hook: Webhook, body: bytes, key: str) -> urllib.request.Request:
    url = hook.url or _secret(hook.url_env, "webhook.url_env")
    if not url.lower().startswith(("http://", "https://")):
        raise ContractError("the webhook's address does not begin with http:// or https://", "Correct it.")
    headers = {"Content-Type": "application/json", "User-Agent": "creditfusion-watch", "Idempotency-Key": key}
    if hook.token_env:
        headers["Authorization"] = f"Bearer {_secret(hook.token_env, 'webhook.token_env')}"
    return urllib.request.Request(url, data=body, headers=headers, method="POST")


def _secret(variable: str, key: str) -> str:
    if not variable:
        return ""
    found = os.environ.get(variable)
    if not found:
        raise ContractError(f"the environment variable {variable}, which {key} names, is not set", "Set it.")
    return found


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected post would arrive as a GET, or at another's address with the token."""

    def redirect_request(self, *_: object) -> None:
        """Follow none."""
        return


_OPENER = urllib.request.build_opener(_NoRedirect)


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return type(reason).__name__ if isinstance(reason, Exception) else type(error).__name__
