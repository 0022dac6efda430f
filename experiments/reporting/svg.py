"""SVG as matplotlib writes it, made small: a page with twenty pictures has to go by mail.

Nothing that can be seen is lost: coordinates keep a tenth of a point, styles become classes, and what only editors read
is left out. Letters stay text, which the reader's own fonts draw.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from markupsafe import Markup

_FOR_EDITORS = re.compile(
    r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", re.DOTALL
)
_SPACES = re.compile(r"\s+")
_BETWEEN = re.compile(r"> <")
_TAG = re.compile(r"<[^>]*>")
_NUMBER = re.compile(r"-?\d+\.\d+")
_STYLE = re.compile(r' style="([^"]*)"')
_FONT = re.compile(r"font-family:[^;]*;?|font: *(?P<size>[\d.]+px)[^;]*")
_NO_TURN = re.compile(r' transform="rotate\(-?0(\.0)? [^"]*"')
_PATH = re.compile(r' d="([^"]*)"')
_EMPTY = re.compile(r"<g\b[^>]*/>|<defs/>")
_LIKE = re.compile(r'(<g clip-path="[^"]*")>((?:<use [^>]*? class="(s\d+)"/>)(?:<use [^>]*? class="\3"/>)*)</g>')
_ID = re.compile(r' id="([mp][0-9a-f]{10}|image[0-9a-f]{10})"')
_COMMAND = re.compile(r" ?([MLQCZz]) ?")
_LETTERS = "'DejaVu Sans',Verdana,'Segoe UI',Arial,sans-serif"
"""Alike in width, so that words stay where matplotlib, which measures DejaVu Sans, has put them."""
_READABLE = " =:/;,()'!*$+?@~[]|"
"""What stands as it is in the address of a picture within an attribute in double quotes."""


def compact(svg: str, language: str = "en") -> str:
    """The same picture in fewer characters; equal pictures give equal texts.

    Args:
        svg: It, as matplotlib writes it.
        language: Code of its words, so that fonts of several languages take the right forms of shared letters.
    """
    text = _BETWEEN.sub("><", _SPACES.sub(" ", _FOR_EDITORS.sub("", svg))).strip()
    names: dict[str, str] = {}

    def small(tag: re.Match[str]) -> str:
        return _NUMBER.sub(_rounded, _STYLE.sub(lambda style: _class(style[1], names), _NO_TURN.sub("", tag[0])))

    text = _short_ids(_marks(_paths(_ungrouped(_TAG.sub(small, text)))))
    rules = "".join(f".{name}{{{style}}}" for style, name in names.items())
    head, _, rest = text.partition(">")
    every = f"*{{stroke-linejoin:round;stroke-linecap:butt}}text{{font-family:{_LETTERS}}}"
    own = "" if language == "en" else f' xml:lang="{language}"'
    return f"{head}{own}><style>{every}{rules}</style>{rest}"


def address(svg: str) -> Markup:
    """The picture as an address within the page, to stand in double quotes; nothing in it needs escaping."""
    return Markup("data:image/svg+xml," + quote(svg.replace('"', "'"), safe=_READABLE))


def _class(style: str, names: dict[str, str]) -> str:
    """The attribute that takes the place of a style."""
    own = _FONT.sub(lambda font: f"font-size:{font['size']}" if font["size"] else "", style)
    own = _NUMBER.sub(_rounded, own).replace(": ", ":").replace("; ", ";")
    return f' class="{names.setdefault(own, f"s{len(names)}")}"'


def _rounded(found: re.Match[str]) -> str:
    return f"{round(float(found[0]), 1) + 0.0:g}"


def _ungrouped(text: str) -> str:
    """Without the groups that hold nothing or only carry a name."""
    kept, open_groups = [], list[bool]()
    for part in re.split(r"(<g\b[^>]*>|</g>)", _EMPTY.sub("", text)):
        if part.startswith("<g"):
            open_groups.append(re.fullmatch(r'<g( id="[^"]*")?>', part) is None)
            kept.append(part if open_groups[-1] else "")
        elif part == "</g>":
            kept.append(part if open_groups.pop() else "")
        else:
            kept.append(part)
    return "".join(kept)


def _marks(text: str) -> str:
    """With the style of many like marks said once, by their group."""

    def once(group: re.Match[str]) -> str:
        own = f' class="{group[3]}"'
        return f"{group[1]}{own}>{group[2].replace(own, '')}</g>"

    return _LIKE.sub(once, text)


def _short_ids(text: str) -> str:
    """With ids of one or two characters, which are long where matplotlib makes them."""
    for at, name in enumerate(dict.fromkeys(_ID.findall(text))):
        text = text.replace(f'"{name}"', f'"i{at}"').replace(f"#{name}", f"#i{at}")
    return text


def _paths(text: str) -> str:
    """Paths without the spaces that their commands do not need."""
    return _PATH.sub(lambda path: f' d="{_COMMAND.sub(_bare, path[1]).strip()}"', text)


def _bare(command: re.Match[str]) -> str:
    return command[1]
