"""The writer's work: employer and job."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    r"\b(?P<cue>(?:work(?:ed|ing|s)?|employed|employment|job|position|career|there|hired|started|am|"
    r"living|it)\b[^.;!?]{0,50}?)\bas (?:an? |the )?(?=[a-z])"
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
    r"driving|been(?= (?:at|with)\b))"
    r"(?P<gap>(?: (?!(?:for|with|at|by)\b)[\w$,.'/-]+){0,7}?) (?P<by>for|with|at|by) (?P<article>the |an? )?(?=[a-z])"
)
_EMPLOYER_IS = re.compile(r"\bmy employer is (?:the )?(?=[a-z])")
_JOB_AT = re.compile(r"(?: [a-z-]+){0,2} (?:at|with|for) (?P<article>the |an? )?(?=[a-z])")
_NAME_WORD = re.compile(r"[\w&'’.-]*[\w&]")
_LINKS = frozenset({"of", "the", "&", "and", "for", "de", "la"})
_STOPS = vocabulary(
    "for since as and in on full part making make where with who which that so i to at by from my but "
    "over about is are earning was or until have has there now currently during because between after "
    "before almost nearly while near going through then if we they the an a of it more all part-time "
    "full-time fulltime every when just last past another here too been years year months month we're i'm "
    "working since, not you"
)
_NO_EMPLOYER = vocabulary(
    "a an the me myself him her them it us you my our your his their this that these those same over "
    "about almost nearly more many several some home night nights least last living free cash pay money "
    "work one two three four five six seven eight nine ten minimum years year months everything good "
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
    for fact in (*_jobs(passage), *_employers(passage)):
        found.setdefault((fact.kind, fact.start), fact)
    yield from found.values()


def _jobs(passage: Passage) -> Iterator[Fact]:
    plain, start, end = passage.plain, passage.start, passage.end
    for match in _LABEL_JOB.finditer(plain, start, end):
        yield from _job(passage, match.end(), 0.9, any_job=True)
    for match in _AS.finditer(plain, start, end):
        if _is_own(passage, match.start(), match.end()):
            yield from _job(passage, match.end(), 0.9, any_job=match["cue"].startswith(("work", "employed")))
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


def _employers(passage: Passage) -> Iterator[Fact]:
    plain, start, end = passage.plain, passage.start, passage.end
    for match in (*_LABEL_EMPLOYER.finditer(plain, start, end), *_EMPLOYER_IS.finditer(plain, start, end)):
        yield from _employer(passage, match.end(), 0.9)
    for match in _AT.finditer(plain, start, end):
        if (match["cue"] == "been" and match["by"] == "for") or not _is_own(passage, match.start(), match.end()):
            continue
        if match["cue"] in ("been", "drive", "driving") and not passage.text[match.end()].isupper():
            continue
        yield from _employer(passage, match.end(), 0.85)
    for job in _jobs(passage):
        follows = _JOB_AT.match(plain, job.end, end)
        if follows:
            yield from _employer(passage, follows.end(), 0.8)


def _employer(passage: Passage, at: int, confidence: float) -> Iterator[Fact]:
    """The employer whose name begins here, if it is one."""
    shouted = passage.text[passage.start : passage.end].isupper()
    names: list[re.Match[str]] = []
    for name in _name_words(passage, at, LONGEST_NAME):
        word = name.group()
        capital = word[0].isupper() and not shouted
        if not names and (word.lower() in _NO_EMPLOYER or word[0].isdigit()):
            return
        if capital or (word.lower() in _LINKS and word.lower() != "and" and names and _goes_on(passage, name.end())):
            names.append(name)
        elif (names and names[0].group()[0].isupper() and not shouted) or word.lower() in _STOPS or word[0].isdigit():
            break
        else:
            names.append(name)
    if not names:
        return
    capital = names[0].group()[0].isupper() and not shouted
    known = any(name.group().lower() in _COMMON_EMPLOYERS for name in names)
    if not capital and not known and len(names) > 3:
        return
    sure = confidence if capital else confidence - (0.15 if known else 0.35)
    yield _named(passage, FactKind.EMPLOYER, names[0].start(), names[-1].end(), sure)


def _goes_on(passage: Passage, at: int) -> bool:
    """Whether a name goes on after "of": with a capital, or where it is written small throughout."""
    following = passage.text[at : at + 2].strip()
    return bool(following) and following[0].isalpha()


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
    if others and (not firsts or others[-1] > firsts[-1]):
        return False
    since = before[max(0, firsts[-1] - 3) :] if firsts else before[-20:]
    quoted = passage.plain[passage.start : start].count('"') % 2 == 1
    past = stretch.startswith("worked") and not re.search(r"\b(?:have|'ve|ive|has)\b", before[-16:])
    return not (_NOT_NOW.search(since + stretch) or quoted or past)


def _named(passage: Passage, kind: FactKind, start: int, end: int, confidence: float) -> Fact:
    text = " ".join(passage.text[start:end].lower().split())
    return Fact(kind, start, end, passage.place, text=text, confidence=round(confidence, 3))
