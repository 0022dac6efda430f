"""Rules of alarms: which figures are looked at, and from which level on they are a warning or an alarm."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data_schemas.errors import ContractError
from fusion.policy.policy_file import nearest
from fusion.watch.signals import Check

SHIPPED = Path(__file__).parent / "rules.toml"

AlertGrade = Literal["warn", "alarm"]
GRADES: tuple[AlertGrade, ...] = get_args(AlertGrade)
"""From the mild to the grave."""

Level = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Chance = Annotated[float, Field(gt=0, le=1)]


class RuleSegment(BaseModel):
    """A node of the rules: frozen, and strict about types and unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Rule(RuleSegment):
    """When figures give an alert: where they depart by a level, and chance alone would hardly do that.

    Attributes:
        what: checks that it looks at.
        subject: glob of their subjects, such as ``income`` or ``purpose:*``.
        warn: departure from which on there is a warning; None for none.
        alarm: that from which on there is an alarm; None for none.
        chance: of a false alert per period where nothing changed, shared by all figures of the rule in a period.
        periods: so many periods in a row must depart.
        cool_down: so many periods after an alert without its repetition; one of a higher grade is not held back.
        least_rows: figures that rest on fewer rows are not looked at.
        enabled: whether the rule counts.
    """

    what: tuple[Check, ...] = Field(min_length=1, strict=False)
    subject: str = "*"
    warn: Level | None = None
    alarm: Level | None = None
    chance: Chance = 0.001
    periods: int = Field(1, ge=1)
    cool_down: int = Field(0, ge=0)
    least_rows: int = Field(50, ge=0)
    enabled: bool = True

    @model_validator(mode="after")
    def _has_levels(self) -> Self:
        if self.warn is None and self.alarm is None:
            raise ValueError("it has neither warn nor alarm")
        if self.warn is not None and self.alarm is not None and self.warn > self.alarm:
            raise ValueError(f"warn = {self.warn} lies above alarm = {self.alarm}")
        return self

    def grade(self, value: float) -> AlertGrade | None:
        """What a departure of this size is, whatever its chance."""
        if self.alarm is not None and value >= self.alarm:
            return "alarm"
        return "warn" if self.warn is not None and value >= self.warn else None

    def level(self, grade: AlertGrade) -> float:
        """The departure from which on there is an alert of this grade."""
        found = self.alarm if grade == "alarm" else self.warn
        if found is None:
            raise ValueError(f"the rule has no level of {grade}")
        return found


class Webhook(RuleSegment):
    """Where alerts are posted as JSON. Secrets stand in environment variables that are named here.

    Attributes:
        url: of the receiver; "" where ``url_env`` has it.
        url_env: variable that holds it, for receivers whose address is a secret.
        token_env: variable that holds a bearer token; "" for none.
        least: mildest grade that is posted.
        seconds: to wait for an answer.
    """

    url: str = ""
    url_env: str = ""
    token_env: str = ""
    least: AlertGrade = "warn"
    seconds: float = Field(10.0, gt=0, le=60)

    @model_validator(mode="after")
    def _has_one_url(self) -> Self:
        if bool(self.url) == bool(self.url_env):
            raise ValueError("give either url or url_env")
        return self


class Email(RuleSegment):
    """To whom alerts are mailed, all of a run in one message.

    Attributes:
        host: of the mail server.
        port: of it.
        security: whether the connection is encrypted from its start, by STARTTLS, or not at all.
        user: for whom to log in; "" for no login.
        password_env: variable that holds the password.
        sender: address.
        to: addresses.
        least: mildest grade that is mailed.
        seconds: to wait for the server.
    """

    host: str = Field(min_length=1)
    port: int = Field(587, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "starttls"
    user: str = ""
    password_env: str = ""
    sender: str = Field(min_length=3)
    to: tuple[str, ...] = Field(min_length=1, strict=False)
    least: AlertGrade = "warn"
    seconds: float = Field(20.0, gt=0, le=60)

    @model_validator(mode="after")
    def _has_password_of_user(self) -> Self:
        if bool(self.user) != bool(self.password_env):
            raise ValueError("user and password_env belong together")
        return self


class Copies(RuleSegment):
    """Columns by which applicants with copied narratives are tied together, whether the schema knows them or not.

    Attributes:
        employer: column of employers; "" for none.
        phone: of phone numbers.
        address: of addresses.
        days: that may lie between the decisions on two copies.
    """

    employer: str = ""
    phone: str = ""
    address: str = ""
    days: int = Field(90, ge=1)

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that are named."""
        return tuple(name for name in (self.employer, self.phone, self.address) if name)


class Rules(RuleSegment):
    """What a rules file says.

    Attributes:
        rules: by name.
        webhook: where alerts are posted; None: nowhere.
        email: to whom they are mailed; None: to nobody.
        copies: columns that rings may share.
    """

    rules: dict[str, Rule]
    webhook: Webhook | None = None
    email: Email | None = None
    copies: Copies = Copies()

    @property
    def digest(self) -> str:
        """sha256 of all of it."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def load_rules(path: Path | None) -> Rules:
    """The shipped rules, with those of a file in their place key by key: a rule of a new name is added.

    Raises ContractError for an unreadable file, an unknown key (naming the nearest), or a value out of its range.
    """
    shipped = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    if path is None:
        return Rules.model_validate(shipped)
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError(f"rules file {path} cannot be read ({error.strerror})", "Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContractError(f"rules file {path} is not valid TOML: {error}", "Correct the file.") from error
    own = tree.get("rules", {})
    if isinstance(own, Mapping):
        merged = dict(shipped["rules"])
        for name, rule in own.items():
            merged[name] = merged.get(name, {}) | rule if isinstance(rule, Mapping) else rule
        tree["rules"] = merged
    try:
        return Rules.model_validate(tree)
    except ValidationError as error:
        raise ContractError(*_in_words(error, f"rules {path}")) from error


_SECTIONS: Mapping[str, type[RuleSegment]] = {"rules": Rule, "webhook": Webhook, "email": Email, "copies": Copies}


def _in_words(error: ValidationError, origin: str) -> tuple[str, str]:
    """What is wrong with the first wrong value, and what to do."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    key = ".".join(place)
    if first["type"] == "extra_forbidden":
        known = _SECTIONS[place[0]].model_fields if len(place) > 1 else Rules.model_fields
        return f"{origin}: unknown key {key!r}", nearest(place[-1], list(known))
    if first["type"] == "missing":
        return f"{origin}: {key} is missing", "Add it; docs/watch.md shows a whole file."
    if first["type"] in ("model_type", "dict_type"):
        return f"{origin}: {key} is a section, not a value", f"Write it as [{key}]."
    if first["type"] == "literal_error" and place[-2:-1] == ["what"]:
        return f"{origin}: {key}: there is no check {first['input']!r}", nearest(str(first["input"]), get_args(Check))
    message = first["msg"].removeprefix("Value error, ")
    got = "" if isinstance(first["input"], dict) else f", got {first['input']!r}"
    return f"{origin}: {key}: {message}{got}", "Correct the value."
