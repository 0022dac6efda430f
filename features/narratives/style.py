"""How a narrative is written, whatever it says: a few plain numbers of its style.

Style moves with the web form that asked for the text, and may stand for schooling or native language. It is no input
unless the settings ask for it, and it is never a reason.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data_schemas.contract import StripRule
from features.arrays import Floats32
from features.text.cleaning import n_stripped

STYLE = ("length", "capitals", "lower_case", "stripped")
"""The features of one narrative.

length: characters of the clean text. capitals: share of capitals among the letters that have a case, 0 without any.
lower_case: 1 where all of these are lower case, else 0. stripped: stretches of the raw text that the schema's strip
rules cut, such as the headers that a site puts before each part that was added later.
"""


def style(raws: Sequence[str], texts: Sequence[str], strip: Sequence[StripRule]) -> Floats32:
    """The style of one narrative column.

    Args:
        raws: n texts as written, what is masked removed.
        texts: their clean texts, "" for nothing to read.
        strip: what was cut from them.

    Returns:
        float32 (n, len(STYLE)), NaN where there is nothing to read.
    """
    known = {raw: _style_of(raw, text, strip) for raw, text in dict(zip(raws, texts, strict=True)).items() if text}
    nothing = (np.nan,) * len(STYLE)
    return np.array([known.get(raw, nothing) for raw in raws], np.float32).reshape(len(raws), len(STYLE))


def _style_of(raw: str, text: str, strip: Sequence[StripRule]) -> tuple[float, ...]:
    n_capitals, n_small = sum(map(str.isupper, text)), sum(map(str.islower, text))
    share = n_capitals / max(n_capitals + n_small, 1)
    return len(text), share, float(n_small > 0 and n_capitals == 0), n_stripped(raw, strip)
