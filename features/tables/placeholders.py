"""Narratives that hold no text: what programs and clerks write into a field where nothing was written."""

from __future__ import annotations

import html
import re
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.arrays import Flags
from features.tables.missing_words import SHORT, SPREADSHEET_ERRORS
from features.tables.spelling import UNSEEN

LONGEST = 40
"""Characters of the longest placeholder; a longer cell is one only where it holds no letter beside markup."""

_MARKS = re.compile(r"<!--.*?-->|</?[A-Za-z][^<>]*>|\x1b\[[0-9;]*[A-Za-z]", re.DOTALL)  # HTML, colours of a terminal
_LETTERS = r"\pL|\p{So}"
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_SEPARATORS = re.compile(r"[\s;,|]+")
_MARKUP = r"^[\s<&]"

_WORDS = (
    "none nat undefined void blank empty "
    # beside those of software, one word each, in the language's own form; "no" and the like answer a question
    "n.v.t n/v n/d n.d s/d s/n n.b keine keiner entfällt leer "  # German, Dutch, short forms of Romance languages
    "ninguno ninguna nenhum nenhuma nessuno nessuna aucun aucune néant vacío vazio vuoto vide "
    "geen ingen inget intet ei-ole brak žádný žádné nincs yok boş tiada "
    "нет н/д н.д отсутствует пусто немає няма κανένα لايوجد אין "
    "无 無 没有 沒有 空 空白 不详 不詳 未知 未填 未填写 未填寫 未提供 暂无 暫無 不适用 不適用 "
    "なし 無し ナシ 該当なし 特になし 未記入 未入力 空欄 없음 해당없음 미입력 미기재"
)
_PHRASES = (
    "not available;not applicable;not provided;not specified;not stated;not given;no data;no text;no comment;"
    "no comments;no description;no answer;no value;keine angabe;keine angaben;nicht angegeben;nicht vorhanden;"
    "sin datos;sin información;sin comentarios;no disponible;no aplica;no especificado;sem dados;sem informação;"
    "não informado;não disponível;não se aplica;nao informado;non renseigné;non renseignée;non disponible;"
    "non applicable;pas de commentaire;sans objet;non disponibile;non specificato;nessun dato;niet van toepassing;"
    "niet beschikbaar;niet opgegeven;ikke oplyst;ikke relevant;ej angivet;brak danych;nie dotyczy;neuvedeno;"
    "nincs adat;nu se aplică;fără date;belirtilmemiş;нет данных;не указано;не применимо;не заполнено;"
    "немає даних;لا يوجد;غير متوفر;לא צוין;कोई नहीं;लागू नहीं;không có;không áp dụng;ไม่มี;ไม่ระบุ;tidak ada"
)


def placeholders(text: pa.Array) -> Flags:
    """bool (n,): the cells, null or text, that hold no text (``is_placeholder``); a null one is none."""
    short = pc.less_equal(pc.utf8_length(text), LONGEST)
    marked = pc.match_substring_regex(text, _MARKUP)
    silent = pc.invert(pc.match_substring_regex(text, _LETTERS))
    candidates = pc.fill_null(pc.or_(pc.or_(short, marked), silent), False)
    found = np.zeros(len(text), dtype=np.bool_)
    chosen = np.flatnonzero(candidates.to_numpy(zero_copy_only=False))
    coded = text.take(pa.array(chosen)).dictionary_encode()  # labels such as job titles repeat
    of_texts = np.array([is_placeholder(one) for one in coded.dictionary.to_pylist()], dtype=np.bool_)
    if len(of_texts):
        found[chosen] = of_texts[coded.indices.to_numpy(zero_copy_only=False)]
    return found


def is_placeholder(text: str) -> bool:
    """Whether a cell of a narrative holds no text: nothing but white space, characters that are not seen, signs,
    digits and markup, or words such as ``NULL``, ``n/a``, ``none`` in any of many languages.
    """
    bare = unicodedata.normalize("NFKC", UNSEEN.sub("", _MARKS.sub(" ", html.unescape(text)))).casefold()
    if not any(_is_meaningful(character) for character in bare):
        return True
    if len(bare) > 4 * LONGEST:
        return False
    if bare.strip() in SPREADSHEET_ERRORS:
        return True
    bare = _bare("".join(character for character in bare if unicodedata.category(character) not in ("Cf", "Cc")))
    return bare in _KNOWN or all(_bare(word) in _KNOWN for word in _SEPARATORS.split(bare))


def _is_meaningful(character: str) -> bool:
    """Whether a character can tell something by itself: a letter, or a picture such as an emoji."""
    kind = unicodedata.category(character)
    return kind[0] == "L" or kind == "So"


def _bare(text: str) -> str:
    """Without the signs and spaces around it."""
    return _EDGES.sub("", text)


_KNOWN = frozenset(
    _bare(unicodedata.normalize("NFKC", word).casefold()) for word in (*SHORT, *_WORDS.split(), *_PHRASES.split(";"))
)
