"""What the words for outcomes mean, in six languages: which way a name or a level speaks, its negations included."""

from __future__ import annotations

import functools
import re
from enum import StrEnum

from features.inference.words import alternatives, folded, phrase_pattern


class Meaning(StrEnum):
    """What a name or a level says about how a credit went."""

    BAD = "bad"  # it ended badly
    GOOD = "good"  # it ended well
    LATE = "late"  # behind at the moment: bad only beside a level for being on time
    SOUND = "sound"  # no trouble so far: good only beside a single level for trouble
    OPEN = "open"  # not over yet
    UNKNOWN = "unknown"  # nothing that is understood, or two things that contradict each other


_BAD = """
    bad|default*|charged off|charge off*|chargeoff*|chargedoff|chg off*|chgoff|written off|write off|writeoff
    loss|lost|bankrupt*|insolven*|failed|failure|fail|foreclos*|repossess*|fraud*|declined|rejected|denied
    refused|npl|npa|high risk|risky|risk flag|spam|impaired|collections|substandard|doubtful|serious dlq*
    ausfall*|*ausfall|ausgefallen|schlecht*|notleidend|uneinbringlich|abgeschrieben|betrug|abgelehnt
    zahlungsunfahig|defaut|defaillan*|impaye*|mauvais*|perte|faillite|fraude|refuse|refusee|rejete*|contentieux
    douteu*|irrecouvrable|incumpl*|impago*|impagad*|moros*|malo|mala|perdida|castigad*|quiebra|rechazad*
    denegad*|fallido|fallida|inadimpl*|ruim|mau|perda|prejuizo|recusad*|rejeitad*|negad*|falencia|calote
    违约|違約|坏账|壞賬|坏|壞|不良|呆账|核销|核銷|失信|欺诈|欺詐|诈骗|拒绝|拒絕|拒贷|破产|破產|失败|拖欠|高风险"""
_GOOD = """
    good|fully paid|paid off|paid in full|paid|repaid|prepaid|pif|p i f|redeemed|success*|completed|approved
    accepted|granted|legit|legitimate|genuine|ham|creditability|creditworthy*|credit worthy|solvent|low risk
    on time|timely|bezahlt|zuruckgezahlt|zurueckgezahlt|abbezahlt|getilgt|beglichen|gut|gute|guter|bewilligt
    genehmigt|angenommen|erfolgreich|kreditwurdig*|kreditwuerdig*|bonitat|bonitaet|punktlich|puenktlich
    rembourse*|paye|payee|solde|soldee|acquitte*|bon|bonne|approuve*|accepte*|accorde*|succes|a temps|solvable
    pagad*|liquidad*|reembolsad*|devuelto|cumplid*|bueno|buena|aprobad*|aceptad*|exito*|puntual|solvente|pago
    paga|quitad*|adimpl*|bom|boa|aprovad*|aceit*|sucesso|pontual
    已还清|还清|還清|结清|結清|已还|还款|還款|偿还|償還|履约|履約|良好|好|通过|通過|批准|成功|还"""
_LATE = """
    late|overdue|past due|delinquen*|arrears|in arrears|behind|dpd|missed payment*|verzug|zahlungsverzug
    uberfallig|ueberfaellig|ruckstand|ruckstandig|mahnung|en retard|retard|atraso|atrasad*|mora|en mora|vencid*
    逾期|拖延"""
_SOUND = """
    performing|normal|regular|healthy|sain|saine|sano|al corriente|al dia|em dia|ordnungsgemass|a jour
    正常"""
_OPEN = """
    current|in grace period|grace period|grace|issued|pending|open|opened|active|running|ongoing|in progress
    in process|processing|new|outstanding|live|unresolved|undecided|unknown|in repayment|repaying|repayment
    under review|in review|review|submitted|disbursed|to be paid|to be decided|tbd|waiting|awaiting|incomplete
    not yet|deferred|deferment|forbearance|payment plan|partially paid|partly paid|partial*|unsettled|booked
    future|laufend*|offen*|aktiv|in bearbeitung|ausstehend|beantragt|in ruckzahlung|teilweise*|unbekannt
    en cours|actif|ouvert*|en attente|inconnu*|partiellement*|vigente|activo|activa|en curso|pendiente|abiert*
    parcial*|desconocid*|en proceso|em andamento|ativo|ativa|em aberto|abert*|pendente|em analise|desconhecid*
    未结清|未結清|未到期|还款中|還款中|进行中|進行中|处理中|审核中|審核中|申请中|待|放款中|存续|未知|当前|部分
    宽限期"""

_NEGATORS = (
    r"(?<![a-z0-9])"
    "(?:not|no|non|never|without|nicht|kein|keine|keinen|nie|ohne|pas|sans|jamais|aucun|sin|nunca|nao|sem)"
)
_FILLERS = r"(?: (?:fully|yet|been|in|a|any|the|ever|de|d|en|in|zu|timely))* ?"
_PREFIXES = r"(?<![a-z0-9])(?:un|non)"
_CHINESE = "(?:未|不|非|无|無|没有|沒有|没|沒)(?:有|能|发生|發生|曾|出现|出現|按时|按時|按期|全部|被)?"
_NEGATION = rf"(?P<negation>{_NEGATORS}{_FILLERS}|{_PREFIXES}|{_CHINESE})?"


def _negatable(phrases: str) -> re.Pattern[str]:
    """A pattern for one of the phrases, with a negation before it or ``free`` after it in groups of their own."""
    words = alternatives(phrases).replace("(?<![a-z0-9])", "")  # a negation may be grown onto the word
    return re.compile(rf"{_NEGATION}(?:(?<![a-z0-9])|(?<=un)|(?<=non)){words}(?P<free> free(?![a-z]))?")


_STATES = {
    Meaning.LATE: _negatable(_LATE),
    Meaning.BAD: _negatable(_BAD),
    Meaning.GOOD: _negatable(_GOOD),
    Meaning.SOUND: _negatable(_SOUND),
}
_OPPOSITE = {
    Meaning.BAD: Meaning.GOOD,
    Meaning.GOOD: Meaning.BAD,
    Meaning.LATE: Meaning.GOOD,
    Meaning.SOUND: Meaning.BAD,
}
_HYPHEN = re.compile(r"\b(un)-", re.IGNORECASE)  # "un-paid"; without the hyphen "un" is an article
_STILL_OPEN = phrase_pattern(_OPEN)

_YES = frozenset({"1", "1 0", "y", "yes", "true", "t", "ja", "j", "oui", "o", "si", "s", "sim", "是", "有"})
_NO = frozenset({"0", "0 0", "n", "no", "false", "f", "nein", "non", "nao", "否", "无", "没有"})


@functools.lru_cache(maxsize=10_000)
def meaning(text: str) -> Meaning:
    """What a level says, or what it says of an application that the name of a column applies to.

    A negated word is its opposite: ``not default`` is good, ``unpaid`` is bad.
    """
    text = folded(_HYPHEN.sub(r"\1", text))
    rest = _STILL_OPEN.sub(" ; ", text)
    found = {
        _OPPOSITE[state] if (match["negation"] is None) == (match["free"] is not None) else state
        for state, pattern in _STATES.items()
        for match in pattern.finditer(rest)
    }
    if rest != text:
        return Meaning.OPEN if found <= {Meaning.GOOD, Meaning.SOUND, Meaning.LATE} else Meaning.UNKNOWN
    if Meaning.BAD in found and found <= {Meaning.BAD, Meaning.LATE}:
        return Meaning.BAD
    return found.pop() if len(found) == 1 else Meaning.UNKNOWN


def is_yes_or_no(levels: frozenset[str]) -> bool:
    """Whether two levels say that something holds, and that it does not: yes and no, true and false, 1 and 0."""
    texts = {folded(level) for level in levels}
    return len(texts) == len(levels) == 2 and bool(texts & _YES) and bool(texts & _NO)


def is_yes(level: str) -> bool:
    """Whether a level of such a pair says that it holds."""
    return folded(level) in _YES
