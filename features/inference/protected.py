"""Columns that hold a trait by which a lender must not decide, known by their name or by their levels.

The traits are those of the US Equal Credit Opportunity Act and of Article 9 of the GDPR. A column is rather called
protected than not: an honest one that is kept out costs a little accuracy and is given back in a second. Only the age
of things (of an account, a car) is told apart from that of people.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from features.inference.words import folded, phrase_pattern

_NAMES = {
    "sex": """
        sex|gender|*gender|male|female|salutation|anrede|geschlecht*|sexe|genre|civilite|sexo|genero
        性别|性別""",
    "age": """
        age|ages|age band|age group|age range|applicant age|dob|yob|birth*|born|date of birth|alter|alters*
        lebensalter|geburt*|edad|idade|naissance|date de naissance|nacimiento|fecha de nacimiento|nascimento
        faixa etaria|tranche d age|elderly|senior citizen
        年龄|年齡|出生|生日""",
    "marital status": """
        marital|*marital*|marriage|married|civil status|family status|familienst*|verheiratet|ehegatt*
        ehepartner*|ehestand|ehe|etat civil|situation familiale|situation matrimoniale|estado civil
        estado conyugal|situacao conjugal|personal status|statut matrimonial|statut marital|spouse*|wife|husband
        conjoint*|conyuge*|conjuge*|widow*|divorced
        婚姻|婚否|是否结婚|已婚|配偶""",
    "children and family": """
        child|children|*children|kid|kids|dependent|dependents|*dependents|dependant|dependants|*dependants
        dependents count|family members|fam members|family size|family type|family situation|household size
        household members|people liable*|liable to provide maintenance|being liable*|maintenance for
        parental status|kinder|*kinder*|unterhalt*|haushaltsgrosse|enfant|enfants|personnes a charge
        personne a charge|charge de famille|hijo|hijos|hijas|dependientes|personas a cargo|cargas familiares
        filho|filhos|dependente|dependentes|composicao familiar
        子女|小孩|孩子|抚养|撫養|赡养|家庭人口|家庭成员|家庭人数|生育""",
    "religion": """
        religion*|religious|*religion|faith|church|konfession*|kirche*|culte|confession|religiao|religioso
        religiosa|caste
        宗教|信仰""",
    "origin": """
        race|racial|ethnic|ethnic*|*ethnicity|nationality|*nationality|nationalities|national origin|citizen*
        foreign|foreigner|foreign worker|immigrant*|immigration*|visa status|hispanic|latino|minority|tribe
        native country|native language|mother tongue|language|country of birth|birth country|birthplace
        place of birth|country of origin|nationalitat*|nationalitaet*|staatsangehorig*|staatsangehoerig*
        staatsburger*|staatsbuerger*|auslander*|auslaender*|herkunft*|ethnie|muttersprache|nationalite
        pays d origine|pays de naissance|origine ethnique|langue|nacionalidad|pais de origen|pais de nacimiento
        lugar de nacimiento|extranjero|raza|etnia|idioma|nacionalidade|naturalidade|pais de origem|estrangeiro
        raca|cor raca
        民族|国籍|國籍|籍贯|籍貫|户籍|戶籍|户口|种族""",
    "health": """
        health|health status|disability*|disabled|handicap*|pregnan*|behindert*|behinderung*|schwerbehind*
        schwanger*|gesundheit*|sante|salud|saude|discapacid*|deficiencia|deficiente|invalidez
        残疾|残障|健康|怀孕""",
    "political or sexual life, or a union": """
        political*|politics|party affiliation|sexual*|lgbt*|trade union|union member*|gewerkschaft*
        parteizugehorig*|syndicat|sindicato
        政治面貌|党员|工会""",
    "public assistance": """
        public assistance|welfare|food stamps|social benefit*|sozialhilfe|burgergeld
        低保|救济""",
}
_NAME_PATTERNS = {trait: phrase_pattern(phrases) for trait, phrases in _NAMES.items()}

_THINGS = phrase_pattern("""
    account*|acct*|credit|loan|oldest|newest|trade|trades|tr|line|file|bureau|vehicle*|car|auto|business|company
    firm|house|property|building|relationship|card|asset|equipment|employment|job|inquiry|delinquency|debt
    konto*|kredit|fahrzeug*|firma|unternehmen*|immobilie*|gebaude*|vehicule|voiture|entreprise|compte|empresa
    cuenta|conta|vehiculo|veiculo|currency|exchange|transaction*|trx
    账户|帳戶|贷款|貸款|车|企业|公司|房""")
"""Beside one of these an age is that of a thing, and what is foreign is money."""

_PEOPLE = phrase_pattern("""
    applicant*|customer*|client*|borrower*|person*|owner|debtor|antragsteller*|kunde|kunden|cliente|solicitante
    demandeur|emprunteur|pessoa|persona
    申请人|客户|借款人|本人""")

_LEVELS = {
    "sex": """
        male|males|female|females|man|men|woman|women|mr|mrs|ms|mann|frau|herr|mannlich|maennlich|weiblich|homme
        femme|masculin|feminin|monsieur|madame|hombre|mujer|masculino|femenino|varon|feminino|homem|mulher
        男|女""",
    "age": """
        older american|senior citizen|elderly|young adult|middle aged|minor|teenager
        老年|中年|青年""",
    "marital status": """
        single|unmarried|never married|married|divorced|widow|widowed|widower|separated|civil marriage
        civil union|cohabit*|civil partnership|domestic partner*|ledig|verheiratet|geschieden|verwitwet
        getrennt lebend|celibataire|marie|mariee|divorce|divorcee|veuf|veuve|pacse|pacsee|concubinage
        union libre|soltero|soltera|casado|casada|divorciado|divorciada|viudo|viuda|solteiro|solteira|viuvo
        viuva|uniao estavel|separado|separada|mar|wid|div
        已婚|未婚|离异|离婚|離婚|丧偶|喪偶|单身|單身|再婚|同居""",
    "children and family": """
        no children|child|children|kids|no kids|childless|kinderlos|kinder|enfants|hijos|filhos
        子女|孩子""",
    "religion": """
        christian*|catholic*|protestant*|muslim*|islam*|hindu*|buddhis*|jewish|atheist*|sikh*|orthodox
        katholisch|evangelisch|moslem*|juif|musulman*|catolic*|evangelic*
        佛教|基督教|天主教|伊斯兰教|道教""",
    "origin": """
        asian|hispanic|latino|caucasian|african american|african*|native american|pacific islander|mestizo|pardo
        american indian|foreign national|foreigner|german|french|turkish|chinese|mexican|indian|polish|italian
        spanish|portuguese|british|american|deutsch|turkisch|franzosisch|auslander|extranjero|estrangeiro
        汉族|漢族|回族|满族|壮族|藏族""",
}
_LEVEL_PATTERNS = {trait: phrase_pattern(phrases) for trait, phrases in _LEVELS.items()}

_LETTERS = {
    frozenset("mf"): "sex", frozenset("mw"): "sex", frozenset("hf"): "sex", frozenset("hm"): "sex",
    frozenset("smd"): "marital status", frozenset("smdw"): "marital status",
}  # fmt: skip
_OTHER_LETTERS = frozenset({"x", "u", "o", "d", "n", "na", "unknown", "other", "xna", "unbekannt", "未知"})

_AGES = re.compile(r"(?:[<>≥≤]=? ?)?(\d{2,3})(?: ?[-–—] ?(\d{2,3})|\+)?(?: years?| jahre| ans| anos|岁)?")
_ADULT = range(16, 31)  # where the first band of an age begins or ends
_OLDEST = 110
MAX_LEVELS = 40
"""Distinct texts of a column that is looked at by its levels."""


def protected_name(name: str) -> str:
    """The trait that a column's name speaks of; "" for none."""
    text = folded(name)
    of_things = _THINGS.search(text) is not None and _PEOPLE.search(text) is None
    for trait, pattern in _NAME_PATTERNS.items():
        found = pattern.search(text)
        if found and not (of_things and (trait == "age" or found.group() == "foreign")):
            return trait
    return ""


def protected_levels(levels: Sequence[str]) -> str:
    """The trait that most of a column's levels are words for; "" for none.

    At least two have to be, for ``single`` is also a kind of property, and half of all.
    """
    if not 2 <= len(levels) <= MAX_LEVELS:
        return ""
    texts = [folded(level) for level in levels]
    letters = frozenset(texts) - _OTHER_LETTERS
    if trait := _LETTERS.get(letters) or _LETTERS.get(frozenset(texts)):
        return trait
    for trait, pattern in _LEVEL_PATTERNS.items():
        found = sum(pattern.search(text) is not None for text in texts)
        if found >= 2 and 2 * found >= len(texts):
            return trait
    return "age" if _age_bands(levels) else ""


def _age_bands(levels: Sequence[str]) -> bool:
    """Whether the levels are bands such as 18-24, 25-34 and 65+."""
    bands = [_AGES.fullmatch(level.strip().lower()) for level in levels]
    if len(levels) < 3 or not all(bands):
        return False
    bounds = sorted(int(bound) for band in bands if band for bound in band.groups() if bound)
    ranged = sum(bool(band and band.group(2)) for band in bands)
    return 2 * ranged >= len(levels) and bounds[0] in _ADULT and 40 <= bounds[-1] <= _OLDEST
