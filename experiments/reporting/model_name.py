"""What a page calls a model: people know it by its bundle's folder and its training window, machines by its digest."""

from __future__ import annotations

from experiments.reporting.language import gettext
from fusion.bundle import Bundle


def model_name(bundle: Bundle) -> str:
    """The folder and the window, without the digest: ``champion, learned from decisions of 2019-01-01 to 2021-12-31``;
    the schema's title where there is no folder.
    """
    window = bundle.manifest.provenance.window
    learned = (
        gettext(", learned from decisions of {window} to {window2}").format(window=window[0], window2=window[1])
        if window
        else ""
    )
    return f"{bundle.name or bundle.schema.title}{learned}"


def name_and_digest(bundle: Bundle) -> str:
    """Both, as facts of a document have them."""
    return gettext("{model_name} (digest {model_id})").format(
        model_name=model_name(bundle), model_id=bundle.manifest.model_id
    )
