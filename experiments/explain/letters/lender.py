"""What a letter says of the lender, from a TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from data_schemas.errors import ContractError

ENDING = ".toml"
_ANY_BUREAU = frozenset(
    f"{article}{words}" for article in ("", "a ", "the ", "your ") for words in ("bureau", "credit bureau")
)


class LenderPart(BaseModel):
    """A node of the file: frozen, strict, no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Bureau(LenderPart):
    """A credit bureau whose score or records the lender uses; its key is the name that the schema has.

    Attributes:
        name: Its name in letters, where the schema does not have it; left out, the schema's.
        address: Postal address.
        phone: Telephone number, in the United States a toll-free one.
        key_factors: Where the bureau's own key factors of the score are to be read, as a sentence.
    """

    name: str = ""
    address: str = ""
    phone: str = ""
    key_factors: str = ""


class LenderAnswers(LenderPart):
    """The lender's own answers to what only it knows, as the applicant reads them.

    Attributes:
        retention: How long applications are kept.
        who_reads: Whether, and when, a person reads what was written.
    """

    retention: str = ""
    who_reads: str = ""


class Lender(LenderPart):
    """The lender; blank is what it does not say.

    Attributes:
        name: For the letterhead.
        address: Postal address.
        contact: Whom an applicant may ask, and how.
        agency: The federal agency that administers compliance with the Equal Credit Opportunity Act, with its address.
        controller: Contact for questions of data protection.
        authority: The supervisory authority for data protection, with its address.
        debt_advice: Where debtors are advised.
        bureaus: By their names.
        answers: To questions of applicants.
    """

    name: str = ""
    address: str = ""
    contact: str = ""
    agency: str = ""
    controller: str = ""
    authority: str = ""
    debt_advice: str = ""
    bureaus: dict[str, Bureau] = {}
    answers: LenderAnswers = LenderAnswers()

    def bureau(self, agency: str) -> Bureau:
        """What the file says of a bureau that the schema calls so; blank where it says nothing."""
        return self.bureaus.get(agency, Bureau())

    def bureau_name(self, agency: str) -> str:
        """A bureau's name in letters; the schema's own words where nobody has named it."""
        return self.bureau(agency).name or agency

    def names_bureau(self, agency: str) -> bool:
        """Whether it is known which bureau it is: a schema that several lenders share has no name for theirs."""
        return bool(self.bureau(agency).name) or agency.casefold().strip() not in _ANY_BUREAU


NOBODY = Lender()
"""A lender that says nothing of itself."""


def lender_of(named: str, contact: str = "") -> Lender:
    """The lender in a TOML file of that path, or the one of that name; ``contact`` stands in place of the file's.

    Raises:
        ContractError: naming the file, the key and the remedy.
    """
    if not named.endswith(ENDING):
        return Lender(name=named, contact=contact)
    path = Path(named)
    try:
        lender = Lender.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ContractError(f"{path} cannot be read: {error.strerror}", "Check the path of --lender.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContractError(f"{path} is no TOML: {error}", "Mend the syntax there; save it as UTF-8.") from error
    except ValidationError as error:
        (first, *_) = error.errors()
        place = ".".join(map(str, first["loc"]))
        known = ", ".join(Lender.model_fields)
        raise ContractError(
            f"{path}: {place}: {first['msg']}", f"Known keys: {known}; every value is text (docs/letters.md)."
        ) from error
    return lender.model_copy(update={"contact": contact}) if contact else lender
