"""Pictures made small: the same to see."""

from __future__ import annotations

from html import unescape
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from matplotlib.axes import Axes

from experiments.reporting.charts import BLUE, picture
from experiments.reporting.svg import address, compact

LABEL = 'AUC 0.123456 <b> & "so" 100 %'


def draw(axes: Axes) -> None:
    axes.imshow([[0.0, 1.0], [1.0, 0.0]])
    axes.plot([0, 1], [0, 1], "o--", color=BLUE, label=LABEL)
    axes.legend()


def texts(svg: str) -> list[str | None]:
    return [one.text for one in ElementTree.fromstring(svg).iter() if one.tag.endswith("text")]


def test_a_small_picture_is_sound_xml_with_its_words_whole() -> None:
    assert LABEL in texts(picture(draw))


def test_what_is_drawn_stays() -> None:
    svg = picture(draw)
    assert svg.count("<use ") >= 2
    assert "<image " in svg
    assert f"stroke:{BLUE}" in svg
    assert "stroke-dasharray:" in svg
    assert " style=" not in svg
    assert "<g>" not in svg


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<svg a="1"><g id="x"><path d="M 1.04 2.06 \nL 3 4 \n"/></g></svg>', '<path d="M1 2.1L3 4"/></svg>'),
        (
            '<svg><g id="x"/><g clip-path="url(#a)"><g id="y"><b/></g></g></svg>',
            '<g clip-path="url(#a)"><b/></g></svg>',
        ),
        ("<svg><text>0.25 and 0.75</text></svg>", "<text>0.25 and 0.75</text></svg>"),
    ],
)
def test_groups_without_use_and_digits_without_sight_go(before: str, after: str) -> None:
    assert compact(before).endswith("</style>" + after)


def test_the_address_holds_the_picture_and_breaks_no_attribute() -> None:
    found = str(address(picture(draw)))
    assert not set('"<>&') & set(found)
    assert LABEL.replace('"', "'") in texts(unquote(unescape(found)).partition(",")[2])


def test_a_picture_says_its_language_where_that_is_not_english() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10"><text>x</text></svg>'
    assert 'xml:lang="zh"' in compact(svg, "zh").partition(">")[0]
    assert "lang" not in compact(svg)
