"""Catalogues of messages: the shipped ones and those of a lender, as ``.po`` files (gettext)."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations
from importlib import resources
from io import BytesIO
from pathlib import Path
from string import Formatter

from babel import Locale
from babel.core import UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from data_schemas.errors import ContractError
from experiments.reporting.language import ENGLISH, Language

FOLDER = "locale"
ENDING = ".po"

Forms = str | list[str] | tuple[str, ...]


def language_of(name: str) -> Language:
    """The language of that code (``en``, or one with a shipped catalogue), or of the ``.po`` file at that path.

    What a lender's file lacks is taken from the shipped catalogue of its language, and is English where that lacks it.

    Raises:
        ContractError: where there is no such catalogue, or the file is none, or the values that a message holds are not
            those of its translation.
    """
    if name.endswith(ENDING):
        return _of_file(Path(name))
    if name == "en":
        return ENGLISH
    if name not in shipped():
        known = ", ".join(("en", *shipped()))
        raise ContractError(
            f"there is no catalogue for the language {name!r}",
            f"Choose one of {known}, or give the path of a .po file (`creditfusion catalogue` begins one).",
        )
    return _shipped_language(name)


@cache
def shipped() -> tuple[str, ...]:
    """The codes of the languages that come with the package, English aside."""
    names = (entry.name for entry in resources.files("experiments.reporting").joinpath(FOLDER).iterdir())
    return tuple(sorted(name.removesuffix(ENDING) for name in names if name.endswith(ENDING)))


def shipped_catalogue(code: str) -> Catalog:
    """The shipped catalogue of a language."""
    text = resources.files("experiments.reporting").joinpath(FOLDER, f"{code}{ENDING}").read_bytes()
    return read_po(BytesIO(text), locale=code)


@cache
def _shipped_language(code: str) -> Language:
    return Language(Locale.parse(code, sep="-"), _translations(shipped_catalogue(code)))


def read_catalogue(path: Path) -> Catalog:
    """The catalogue in a ``.po`` file; raises ContractError, naming the file and the fault, where there is none."""
    try:
        catalogue = read_po(BytesIO(path.read_bytes()), abort_invalid=True)
    except OSError as error:
        raise ContractError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error
    except (PoFileError, UnicodeDecodeError, ValueError, UnknownLocaleError) as error:
        raise ContractError(f"{path} is no catalogue: {error}", "Save it as a .po file in UTF-8.") from error
    if catalogue.locale is None:
        remedy = 'Write "Language: fr\\n", say, into its first message.'
        raise ContractError(f"{path} does not say its language", remedy)
    return catalogue


def _of_file(path: Path) -> Language:
    catalogue = read_catalogue(path)
    locale = catalogue.locale
    assert locale is not None, "what is read says its language"
    check_placeholders(catalogue, path)
    translations = _translations(catalogue)
    base = next((one for one in (str(locale), locale.language) if one in shipped()), None)
    if base is not None:
        translations.add_fallback(_shipped_language(base).translations)
    return Language(locale, translations)


def check_placeholders(catalogue: Catalog, path: Path | str) -> None:
    """Raise ContractError where a translation names other values in braces than its message."""
    for message in catalogue:
        if not message.id or message.fuzzy:
            continue
        for wanted, found in _pairs(message.id, message.string):
            if found and names_in(wanted) != names_in(found):
                raise ContractError(
                    f"{path}, line {message.lineno}: {found!r} does not hold the values of {wanted!r}",
                    "Write its names in braces as they stand there, each once, and no other braces.",
                )


def _pairs(message: Forms, found: Forms | None) -> list[tuple[str, str]]:
    """Each form of a translation beside the form of the message that names all values."""
    if isinstance(message, str):
        return [(message, str(found or ""))]
    return [(message[-1], form) for form in found or ()]


def names_in(message: str) -> list[str] | None:
    """The names in braces, sorted; None where the braces do not match."""
    try:
        return sorted(name for _, name, _, _ in Formatter().parse(message) if name is not None)
    except ValueError:
        return None


def _translations(catalogue: Catalog) -> GNUTranslations:
    kept = Catalog(locale=catalogue.locale)
    for one in catalogue:  # a message without translation falls back; Babel would keep its plural for any number
        if one.id and not one.fuzzy and (one.string if isinstance(one.string, str) else any(one.string or ())):
            kept.add(one.id, one.string, context=one.context)
    packed = BytesIO()
    write_mo(packed, kept)
    packed.seek(0)
    return GNUTranslations(packed)
