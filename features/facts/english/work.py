"""The writer's work: employer and job."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from features.facts.english.passage import Passage, vocabulary
from features.facts.fact import Fact, FactKind

LONGEST_NAME = 6  # words of an employer's name
LONGEST_JOB = 5  # words of a job
REACH = 60

_HEADS = vocabulary(
    "accountant actor adjuster administrator advisor agent aide analyst architect artist assembler "
    "assistant associate attendant attorney auditor baker banker barber barista bartender bookkeeper "
    "bricklayer broker builder bus butcher buyer captain caregiver carer carpenter cashier chef chemist "
    "cleaner clerk cna coach consultant contractor cook coordinator correctional counselor courier "
    "custodian dealer dentist designer detective developer dietitian director dispatcher doctor driver "
    "economist editor electrician engineer estimator examiner executive farmer firefighter fireman "
    "fisherman foreman freelancer gardener guard guide hairdresser handyman housekeeper hygienist "
    "inspector installer instructor interpreter inventor investigator janitor journalist judge landscaper "
    "lawyer lecturer librarian lineman lpn machinist maid manager marine mason mechanic medic "
    "merchandiser messenger midwife miner minister model musician nanny nurse officer operator optician "
    "optometrist paralegal painter paramedic pastor pharmacist photographer physician physiotherapist "
    "pilot pipefitter planner plasterer plumber policeman porter postman principal processor producer "
    "professor programmer psychologist realtor receptionist recruiter reporter representative rep "
    "researcher rn roofer sailor salesman salesperson saleswoman scientist secretary sergeant server "
    "shopkeeper soldier solicitor specialist stylist supervisor surgeon surveyor tailor teacher "
    "technician technologist teller therapist toolmaker trader trainer translator trucker tutor typist "
    "underwriter vet veterinarian waiter waitress warden welder worker writer"
)
_NO_HEADS = vocabulary("borrower payer saver customer member homeowner person parent single student")
_AS = re.compile(
    r"\b(?P<cue>(?:work(?:ed|ing|s)?|employed|employment|job|position|career|hired|started)\b[^.;!?]{0,50}?)"
    r"\bas (?P<article>an? |the )?(?=[a-z])"
)
_LEADING_AS = re.compile(r"(?:^|[.;,!?\n] ?|\band )as an? (?=[a-z])")
_I_AM = re.compile(
    r"\b(?:i am|i'm|im|i've been|i have been|i was hired as|been|being) (?:currently |now |also |"
    r"still )?(?:self[ -]employed as |employed as |working as )?(?:an? )(?=[a-z])"
)
_LABEL_JOB = re.compile(
    r"\b(?:occupation|job(?: title)?|position|profession|title)(?: is)?(?::| =| -) ?(?:an? )?(?=[a-z])"
)
_LABEL_EMPLOYER = re.compile(r"\b(?:employer|company)(?: name)?(?: is)?: ?(?:the )?(?=[a-z])")
_AT = re.compile(
    r"\b(?P<cue>work(?:ed|ing|s)?|employed|employer is|employment|job|position|career|teach(?:ing)?|drive|"
    r"driving|been(?= (?:at|with)\b))(?P<gap>(?: (?!(?:for|with|at|by|on|out|to|from|hard)\b)[\w$'/-]+){0,6}?) "
    r"(?P<by>for|with|at|by) (?P<article>the |an? )?(?=[a-z])"
)
_EMPLOYER_IS = re.compile(r"\bmy employer is (?:the )?(?=[a-z])")
_JOB_AT = re.compile(r"(?: [a-z-]+){0,2} (?:at|with|for) (?P<article>the |an? )?(?=[a-z])")
_NAME_WORD = re.compile(r"[\w&'’.-]*[\w&]")
_LINKS = frozenset({"of", "&", "de", "la"})
_NAMED_AFTER = frozenset({"called", "named"})
_MASKED = re.compile(r"x+")  # what the publishers of texts write over names
_GENERIC = vocabulary("company firm store office center centre department agency call post plant")
_STOPS = vocabulary(
    "for since as and in on full part making make where with who which that so i to at by from my but "
    "over about is are earning was or until have has there now currently during because between after "
    "before almost nearly while near going through then if we they the an a of it more all part-time "
    "full-time fulltime every when called named just last past another here too been years year months month we're i'm "
    "working since, not you"
)
_NO_EMPLOYER = vocabulary(
    "a an the me myself him her them it us you my our your his their this that these those same over "
    "about almost nearly more many several some home night nights least last living free cash pay money "
    "work one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty "
    "minimum years year months everything good "
    "great large small present current any all people someone customers clients children kids hours first "
    "now life example both family friends no least noon better very local"
)
_COMMON_EMPLOYERS = vocabulary(
    "hospital school university college county city state bank company store restaurant government "
    "federal center centre firm office church warehouse factory nursing army navy military post call "
    "department plant clinic agency nhs council hotel supermarket"
)
_NOT_NOW = re.compile(
    r"\b(?:used to|formerly|previously|was|before|would like|want(?:ed)? to|hop(?:e|ing) to|will|looking|"
    r"if|not|never|don't|quit|retired|laid off|lost|applied|until)\b"
)
_OTHERS = re.compile(
    r"\b(?:he|she|they|husband|wife|son|daughter|mother|father|mom|dad|brother|sister|friend|mine|"
    r"boyfriend|girlfriend|partner|spouse|fiancee?|"
    r"who|his|her|ex|landlord|husband's|wife's|parents?|person)\b"
)
_FIRST = re.compile(r"\b(?:i|i'm|im|i've|ive|my|me)\b")


def find_work(passage: Passage) -> Iterator[Fact]:
    """Employers and jobs that the writer has now, each stretch once."""
    found: dict[tuple[FactKind, int], Fact] = {}
    jobs = list(_jobs(passage))
    for fact in (*jobs, *_employers(passage, jobs)):
        found.setdefault((fact.kind, fact.start), fact)
    yield from found.values()


def _jobs(passage: Passage) -> Iterator[Fact]:
    plain, start, end = passage.plain, passage.start, passage.end
    for match in _LABEL_JOB.finditer(plain, start, end):
        yield from _job(passage, match.end(), 0.9, any_job=True)
    for match in _AS.finditer(plain, start, end) if " as " in plain[start:end] else ():
        if _is_own(passage, match.start(), match.end()):
            yield from _job(
                passage,
                match.end(),
                0.9,
                any_job=bool(match["article"]) and match["cue"].startswith(("work", "employed")),
            )
    for match in (*_LEADING_AS.finditer(plain, start, end), *_I_AM.finditer(plain, start, end)):
        if _is_own(passage, match.start(), match.end()):
            yield from _job(passage, match.end(), 0.85, any_job=False)


def _job(passage: Passage, at: int, confidence: float, any_job: bool) -> Iterator[Fact]:
    """The job whose name begins here, if it is one."""
    names: list[re.Match[str]] = []
    for name in _name_words(passage, at, LONGEST_JOB):
        word = name.group().lower()
        if word in _STOPS or not word[0].isalpha():
            break
        names.append(name)
    known = [place for place, name in enumerate(names) if _singular(name.group().lower()) in _HEADS]
    if known:
        names = names[: known[-1] + 1]
    elif not any_job or len(names) > 3:
        return
    if names and not any(name.group().lower() in _NO_HEADS for name in names):
        last = names[-1]
        yield _named(passage, FactKind.JOB, names[0].start(), last.end(), confidence if known else confidence - 0.3)


def _singular(word: str) -> str:
    return word.removesuffix("'s")


def _employers(passage: Passage, jobs: Sequence[Fact]) -> Iterator[Fact]:
    plain, start, end = passage.plain, passage.start, passage.end
    for match in (*_LABEL_EMPLOYER.finditer(plain, start, end), *_EMPLOYER_IS.finditer(plain, start, end)):
        yield from _employer(passage, match.end(), 0.9)
    for match in _AT.finditer(plain, start, end):
        if _is_of_work(passage, match) and _is_own(passage, match.start(), match.end()):
            yield from _employer(passage, match.end(), 0.85, match["article"] or "", match["by"] != "with")
    for job in jobs:
        follows = _JOB_AT.match(plain, job.end, end)
        if follows:
            yield from _employer(passage, follows.end(), 0.8, follows["article"] or "", guess=False)


def _is_of_work(passage: Passage, match: re.Match[str]) -> bool:
    """Whether "work for" and the like speak of employment."""
    before = passage.before(match.start(), 6)
    proper = passage.text[match.end()].isupper()
    if (match["cue"] == "been" and match["by"] == "for") or (match["by"] == "by" and match["cue"] != "employed"):
        return False
    if match["cue"] in ("been", "drive", "driving"):
        return proper
    if match["cue"].startswith("work") and match["by"] == "with":
        return match["cue"] == "work" and before.endswith("i ") and proper
    return not (match["cue"] == "work" and before.endswith(("at ", "the ", "of ", "to ", "from ")))


def _employer(passage: Passage, at: int, confidence: float, article: str = "", guess: bool = True) -> Iterator[Fact]:
    """The employer whose name begins here, if it is one.

    A name has capitals, or is a common noun such as "hospital"; where nobody writes capitals, with ``guess``, any word.
    """
    names = list(_name_words(passage, at, LONGEST_NAME))
    lower = [name.group().lower() for name in names]
    called = next((place for place, word in enumerate(lower) if word in _NAMED_AFTER), None)
    if called is not None:
        names, lower, article = names[called + 1 :], lower[called + 1 :], ""
    if not names or lower[0] in _NO_EMPLOYER or lower[0][0].isdigit() or _MASKED.fullmatch(lower[0]):
        return
    proper = names[0].group()[0].isupper() and not passage.without_capitals and article not in ("a ", "an ")
    n_words = _proper_length(names) if proper else _common_length(lower)
    known = any(word in _COMMON_EMPLOYERS for word in lower[:n_words])
    guessed = guess and passage.without_capitals and n_words <= 2
    if not n_words or not (proper or known or guessed) or (n_words == 1 and lower[0] in _GENERIC):
        return
    sure = confidence if proper else confidence - (0.15 if known else 0.35)
    yield _named(passage, FactKind.EMPLOYER, names[0].start(), names[n_words - 1].end(), sure)


def _proper_length(names: list[re.Match[str]]) -> int:
    """How many words a name with capitals has; "of" belongs to it where a capital follows."""
    length = 0
    for place, name in enumerate(names):
        word = name.group()
        if word[0].isupper():
            length = place + 1
        elif word not in _LINKS and not (word == "the" and place and names[place - 1].group() == "of"):
            break
    return length


def _common_length(lower: list[str]) -> int:
    """How many words a name without capitals has; "of" belongs to it after "state", "city" and the like."""
    for place, word in enumerate(lower):
        linked = word == "of" and place and lower[place - 1] in _COMMON_EMPLOYERS and place + 1 < len(lower)
        if (word in _STOPS and not linked) or not word[0].isalpha():
            return place
    return len(lower)


def _name_words(passage: Passage, at: int, most: int) -> Iterator[re.Match[str]]:
    """Words from a place on, up to a mark between them."""
    for _ in range(most):
        word = _NAME_WORD.match(passage.text, at, passage.end)
        if word is None or word.end() - at > 40:
            return
        yield word
        at = word.end()
        if passage.plain[at : at + 1] != " ":
            return
        at += 1


def _is_own(passage: Passage, start: int, end: int) -> bool:
    """Whether work is the writer's and now: by the nearest person before it."""
    before = passage.before(start, REACH)
    stretch = passage.plain[start:end]
    firsts = [match.end() for match in _FIRST.finditer(before)]
    others = [match.end() for match in _OTHERS.finditer(before)]
    if (others and (not firsts or others[-1] > firsts[-1])) or _OTHERS.search(stretch):
        return False
    since = before[max(0, firsts[-1] - 3) :] if firsts else before[-20:]
    past = stretch.startswith("worked") and not re.search(r"\b(?:have|'ve|ive|has)\b", before[-16:])
    return not (_NOT_NOW.search(since + stretch) or passage.is_quoted(start) or past)


def _named(passage: Passage, kind: FactKind, start: int, end: int, confidence: float) -> Fact:
    text = " ".join(passage.text[start:end].lower().split())
    return Fact(kind, start, end, passage.place, text=text, confidence=round(confidence, 3))
