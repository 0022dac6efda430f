"""Invented narratives: sentences put together from phrases, in so many ways that two are hardly ever alike."""

from __future__ import annotations

import random
from collections.abc import Sequence


def _phrases(lines: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in lines.replace("\n", " ").split("/"))


OPENINGS = _phrases("""
    Since last spring / After my surgery / When our second child was born / Two years ago / Before the move /
    Because of the long winter / Once the divorce was final / During the strike / While I was studying / Last autumn /
    For most of my life / Right after the storm / Until recently / Ever since the shop opened / In the past few months /
    With the new contract / At the start of this year / Thanks to my brother / Despite a good season / Around Easter
""")
ACTORS = _phrases("""
    I / my wife and I / my husband / our family / my business partner / my mother / the two of us / my landlord /
    my employer / our accountant / my older sister / the garage / a good friend / my daughter / the school /
    our dentist / my uncle / a neighbour / the insurance company / my former boss
""")
ACTIONS = _phrases("""
    had to replace / paid for / decided to sell / could not keep / started to repair / borrowed for / finally finished /
    saved up for / lost / took over / moved into / had promised / wanted to share / signed for / was offered /
    inherited / sent back / postponed / asked about / invested in / kept fixing / underestimated / planned / gave up
""")
THINGS = _phrases("""
    an old pickup truck / the leaking roof / two store cards / the furnace in the basement / a small bakery /
    the hospital bill / our daughter's braces / a used combine / the wedding dinner / evening classes in welding /
    a second job at the warehouse / the mortgage on the cabin / a set of tools / the fence around the yard /
    new kitchen cabinets / the tuition for nursing school / a food cart / the property tax / an engine overhaul /
    the funeral of my father / a security deposit / three payday loans / the water heater / a laptop for work /
    our trip to the coast / the vet / a greenhouse / the piano / an orthopedic bed / the lawyer
""")
MEANS = _phrases("""
    with overtime pay / out of pocket / on a high rate card / with help from church / by working weekends /
    from my severance / in small instalments / against good advice / without a written offer / on short notice /
    using our tax refund / after several quotes / for less than we feared / with money set aside / at a loss /
    over the summer / in cash / through a cousin / under warranty / on a handshake
""")
LINKS = _phrases("""
    so now / which means that / and therefore / although / but luckily / because / and as a result / even if / while /
    and from next month on / whereas / until / as soon as / provided that / and in the meantime
""")
STATES = _phrases("""
    my paycheck covers the rent / we live on one income / the balance never shrinks / I sleep better at night /
    every bill is paid on time / the bank turned us down / our savings are nearly gone / I drive forty miles each day /
    nothing is past due / the interest eats the payment / my hours were cut again / we grow most of our food /
    orders keep coming in / I teach four classes / the tenants pay regularly / our budget has some room /
    the old lender merged / my score went up / business is slow on Mondays / a raise is due in June /
    the kids start school / I carry a union card / winter work is scarce / the lease runs out
""")
CLOSINGS = _phrases("""
    Thank you for reading this / Any questions are welcome / I would rather deal with one lender /
    Please look at my record / One payment would make life simpler / I never missed a due date /
    Happy to send pay stubs / This is the last step of our plan / I hope you will consider it /
    We will pay it back early / References can be called / My word is good / It would mean a lot to us /
    I am careful with money now / The numbers add up / We only need this once
""")


def invented(random_: random.Random) -> str:
    """A narrative of two to seven sentences."""
    return " ".join(_sentence(random_) for _ in range(random_.randint(2, 7)))


def _sentence(random_: random.Random) -> str:
    def one(phrases: Sequence[str]) -> str:
        return random_.choice(phrases)

    kind = random_.random()
    if kind < 0.12:
        return f"{one(CLOSINGS)}."
    deed = f"{one(ACTORS)} {one(ACTIONS)} {one(THINGS)}"
    if kind < 0.4:
        deed = f"{deed} {one(MEANS)}"
    elif kind < 0.7:
        deed = f"{one(OPENINGS)} {deed}, {one(LINKS)} {one(STATES)}"
    elif kind < 0.85:
        deed = f"{deed} {one(MEANS)}, {one(LINKS)} {one(STATES)} and {one(STATES)}"
    else:
        deed = f"{one(OPENINGS)} {one(STATES)}; {one(ACTORS)} needs {random_.randint(2, 400) * 50} for {one(THINGS)}"
    return f"{deed[0].upper()}{deed[1:]}."


def exchanged(text: str, words: Sequence[str], share: float, random_: random.Random) -> str:
    """A copy of which this share of the words, one at least, are replaced by any of ``words``."""
    own = text.split()
    for at in random_.sample(range(len(own)), max(1, round(share * len(own)))):
        own[at] = random_.choice(words)
    return " ".join(own)
