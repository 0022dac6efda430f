"""What the loan is for, by the names that lenders use for purposes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from features.facts.english.passage import Passage
from features.facts.fact import Fact, FactKind

REACH = 70  # characters between the words that ask for the loan and what it is for

_BUY = (
    r"(?:buy|buying|purchas(?:e|ing)|get|getting|finance|financing|repair\w*|fix\w*|replace|replacing|a (?:new|"
    r"used|down ?payment on a)|for (?:my|the|our|some|a))"
)
_THING = r"(?: [\w'$,-]+){0,3}? "
_CUES = {
    "medical": (
        r"(?:pay\w* (?:off |for )?)?(?:my |our |some |the |all )?(?:medical|dental|hospital|doctor'?s?|vet|"
        r"surgery|dentist)(?: (?:bills?|expenses|costs?|treatment|work|procedure|debt))|"
        r"(?:pay\w* (?:off |for )|a |for )(?:[\w']+ ){0,3}(?:surgery|operation|braces|ivf|medical treatment|"
        r"dental implants?|dental work|dentist)"
    ),
    "debt_consolidation": (
        r"(?:debt )?cons[aoi]l[aoi]d\w+(?: (?:loan|of))?(?: (?:\w+ ){0,3}(?:debts?|bills|loans|"
        r"cards))?(?: into (?:one|1|a single) (?:\w+ ){0,3}?payment)?|combin\w+ (?:\w+ ){0,3}(?:debts?|bills|"
        r"loans|cards|payments)|"
        r"(?:in ?to|have|make|just|to|with|only) (?:only |just )?(?:a )?(?:one|single|1) "
        r"(?:low |lower |easy |monthly |affordable |simple )*payment|get out of debt|"
        r"pay(?:ing)?[ -]?(?:off|down) (?:\w+ ){0,3}(?:debts?|bills|loans)|refinanc\w+ (?:\w+ ){0,3}(?:debts?|"
        r"loans)"
    ),
    "credit_card": (
        r"(?:pay(?:ing)?[ -]?(?:off|down)|refinanc\w+|payoff|get rid of|eliminat\w+|"
        r"clear\w*) (?:[\w,$-]+ ){0,5}?(?:cards?|card debts?|visa|cc's|ccs)|credit card (?:refinanc\w+|payoff|"
        r"debts?)"
    ),
    "home_improvement": (
        r"home (?:improvement|repair|renovation)s?|remodel\w*(?: (?:\w+ ){0,3}(?:kitchen|bathroom|basement|"
        r"house|home|bath))?|renovat\w+(?: (?:\w+ ){0,3}(?:kitchen|bathroom|basement|house|home|bath))?|"
        rf"(?:{_BUY}|redo|install\w*|finish\w*|build\w*|add|update|updating|upgrad\w+|a new|"
        rf"new){_THING}(?:roof|kitchen|bathroom|basement|windows|furnace|deck|patio|fence|septic|hvac|"
        rf"air conditioner|boiler|"
        r"flooring|floors|driveway|garage|swimming pool|pool|back porch|porch|heating|plumbing)"
    ),
    "house": (
        r"(?:down ?payment|deposit) (?:on|for) (?:\w+ ){0,2}(?:house|home|flat|property)|(?:buy|buying|"
        r"purchas(?:e|ing)|build|building) (?:\w+ ){0,3}(?:house|home|flat|condo|property|land)\b"
    ),
    "car": (
        rf"{_BUY}{_THING}(?:car|truck|vehicle|van|suv|honda|toyota|ford|engine|transmission|"
        r"auto)\b(?! (?:payment|insurance|loan|note))|car (?:repairs?|purchase)|auto repairs?"
    ),
    "education": (
        r"(?:tuition|college (?:expenses|fees|costs|education|tuition)|school (?:fees|expenses|supplies|"
        r"loans?)|education(?:al)?(?: expenses)?|textbooks|degree|nursing school|law school|graduate school|"
        r"a course|go back to school)\b"
    ),
    "small_business": (
        r"(?:start\w*|open\w*|expand\w*|grow\w*|launch\w*|fund\w*|invest\w* in|"
        r"buy\w*)(?: [\w-]+){0,3}? (?:business|company|shop|restaurant|food truck|store|franchise|"
        r"salon)\b(?! (?:card|bill))|"
        r"(?:for |my |our )(?:\w+ )?business\b(?! (?:card|bill|was|is|has))|(?:small )?business (?:expansion|"
        r"equipment|startup|start[ -]up|loan|capital)|working capital|inventory|equipment for my"
    ),
    "wedding": (
        r"(?:(?:pay\w* for )?(?:my |our |a |the )?(?:own )?)(?:wedding|honeymoon|engagement ring|"
        r"wedding ring)s?\b"
    ),
    "moving": (
        r"mov(?:e|ing) (?:to|into|expenses?|costs?|in with)(?: a(?: new)? (?:apartment|flat|house|city|"
        r"place))?|relocat\w+"
    ),
    "vacation": r"(?:a |our |my |the |family )?(?:vacation|holiday|cruise|trip to)\b",
    "major_purchase": (
        r"(?:buy|buying|purchas(?:e|ing)|get) (?:a |an |new |used |some |my ){0,3}(?:motorcycle|boat|rv|furniture|"
        r"computer|laptop|appliances?|camera|jet ski|motorbike|harley|washer|fridge|refrigerator|piano|"
        r"instrument|equipment)"
    ),
}
_PATTERNS = {name: re.compile(rf"\b(?:{pattern})(?![a-z])") for name, pattern in _CUES.items()}
_TRIGGERS = {  # a pattern is tried on sentences alone that hold one of these
    "medical": "medical dent hospital doctor vet surg operation braces ivf",
    "debt_consolidation": "cons combin payment debt bills loans refinanc",
    "credit_card": "card visa cc",
    "home_improvement": "home remodel renovat roof kitchen bathroom basement window furnace deck patio fence septic "
    "hvac condition boiler floor drive garage pool porch heat plumb",
    "house": "house home flat property condo land",
    "car": "car truck vehicle van suv honda toyota ford engine transmission auto",
    "education": "tuition college school educat textbook degree course",
    "small_business": "business company shop rest truck store franchise salon capital inv equip",
    "wedding": "wedding honeymoon engagement",
    "moving": "mov relocat",
    "vacation": "vacation holiday cruise trip",
    "major_purchase": "buy purchas get",
}
_ANY_OF = {name: re.compile(text.replace(" ", "|")) for name, text in _TRIGGERS.items()}
_FRAME = re.compile(
    r"\b(?:(?:loan|money|funds?|cash|proceeds|funding|(?:this|it)(?= (?:is|will|would))|need|"
    r"needed|needing|\$?\d[\d,.]*k?|dollars|"
    r"usd|borrow|request|help)(?: (?:is|are|will|would|to|be|going|used|needed|intended|primarily|mainly|"
    r"me|us))*"
    r"(?: (?:for|to|towards?|on))?|us(?:e|ing) (?:of )?(?:the |this |these |of )*(?:loan|money|funds|"
    r"proceeds)(?: (?:is|are))?(?: (?:for|to|:))?|"
    r"(?:looking|trying|want|wanting|wish|plan|planning|hope|hoping|like|going|intend|need|able|goal is|"
    r"order) to|purpose(?: of (?:this|the|my) loan)?(?: is)?(?: to)?|so (?:that )?i can|"
    r"help(?:s|ing)? (?:me|us)(?: to)?|apply(?:ing)? for)(?:[ :]|$)"
)
_ALWAYS = re.compile(r"debt consol|home improve|(?:want|try\w*) to consol|renovating|remodeling|consolidate")
_NOT_THIS = re.compile(
    r"\b(?:already|never|not|don't|didn't|used to|was|were|had|after|because of|last year|years ago|"
    r"borrowed|took out|took a|cost me|due to|since|filed)\b[^,;]*$"
)
_ENDS = re.compile(r"\s?(?:loan\b|[.,;:!-]|$)")


def find_purposes(passage: Passage) -> Iterator[Fact]:
    """Purposes that a sentence asks the loan for; of those that overlap the first."""
    sentence = passage.plain[passage.start : passage.end]
    found = [
        (*match.span(), name)
        for name, triggers in _ANY_OF.items()
        if triggers.search(sentence)
        for match in _PATTERNS[name].finditer(passage.plain, passage.start, passage.end)
    ]
    last = passage.start
    for start, end, name in sorted(found, key=lambda one: one[0]):
        confidence = _confidence(passage, start, end)
        if start >= last and confidence:
            last = end
            yield Fact(FactKind.PURPOSE, start, end, passage.place, text=name, confidence=confidence)


def _confidence(passage: Passage, start: int, end: int) -> float:
    """How sure it is that a loan is asked for this purpose; 0 where it is not."""
    before, cue = passage.before(start, REACH), passage.plain[start:end]
    if _NOT_THIS.search(before) and not _FRAME.search(before[-20:]):
        return 0.0
    if _FRAME.search(before + cue[:14]):
        return 0.85
    alone = not before.strip() and _ENDS.match(passage.after(end, 12))
    return 0.6 if alone or _ALWAYS.match(cue) else 0.0
