"""What a page calls a model: people know it by its bundle's folder and its training window, machines by its digest."""

from __future__ import annotations

from experiments.reporting.language import gettext
from fusion.bundle import Bundle

PLAIN_NAMES = frozenset({"model", "models", "bundle", "bundles", "out", "output"})
"""Names of folders that say no more than that a model is in them."""


def folder_or_title(folder: str, title: str) -> str:
    """The name of a bundle's folder; the title of its schema where there is none, or it is one of ``PLAIN_NAMES``."""
    return gettext(title) if folder.casefold() in PLAIN_NAMES | {""} else folder


def model_name(bundle: Bundle) -> str:
    """The folder and the window, without the digest: ``champion, learned from decisions of 2019-01-01 to 2021-12-31``;
    the schema's title where there is no folder, or its name is one of ``PLAIN_NAMES``.
    """
    window = bundle.manifest.provenance.window
    learned = (
        gettext(", learned from decisions of {window} to {window2}").format(window=window[0], window2=window[1])
        if window
        else ""
    )
    return f"{folder_or_title(bundle.name, bundle.schema.title)}{learned}"


def name_and_digest(bundle: Bundle) -> str:
    """Both, as facts of a document have them."""
    return gettext("{model_name} (digest {model_id})").format(
        model_name=model_name(bundle), model_id=bundle.manifest.model_id
    )
