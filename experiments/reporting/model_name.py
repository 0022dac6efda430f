"""What a page calls a model: people know it by its bundle's folder and its training window, machines by its digest."""

from __future__ import annotations

from datetime import date

from experiments.reporting.language import gettext
from experiments.reporting.words import day
from fusion.bundle import Bundle

PLAIN_NAMES = frozenset({"model", "models", "bundle", "bundles", "out", "output"})
"""Names of folders that say no more than that a model is in them."""


def folder_or_title(folder: str, title: str) -> str:
    """The name of a bundle's folder; the title of its schema where there is none, or it is one of ``PLAIN_NAMES``."""
    return gettext(title) if folder.casefold() in PLAIN_NAMES | {""} else folder


def model_name(bundle: Bundle) -> str:
    """Folder and window, without the digest: ``champion, learned from decisions of 1 May 2019 to 3 May 2021``.

    The schema's title stands for the folder where there is none, or its name is one of ``PLAIN_NAMES``.
    """
    window = bundle.manifest.provenance.window
    learned = (
        gettext(", learned from decisions of {first} to {last}").format(
            first=day(date.fromisoformat(window[0])), last=day(date.fromisoformat(window[1]))
        )
        if window
        else ""
    )
    return f"{folder_or_title(bundle.name, bundle.schema.title)}{learned}"


def name_and_digest(bundle: Bundle) -> str:
    """Both, as facts of a document have them."""
    return gettext("{model_name} (digest {model_id})").format(
        model_name=model_name(bundle), model_id=bundle.manifest.model_id
    )
