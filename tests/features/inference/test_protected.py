"""Protected traits are known in six languages by the name of a column or by its levels, and things have no age."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.fields import Role
from features.inference.draft import draft_schema
from features.inference.protected import protected_levels, protected_name

NAMES = {
    "sex": "sex|Gender|CODE_GENDER|geschlecht|sexe|sexo|género|gênero|性别|Anrede|applicantGender",
    "age": (
        "age|AGE_YEARS|customer_age|Alter|Altersgruppe|edad|idade|DAYS_BIRTH|date_of_birth|Geburtsdatum|"
        "date de naissance|fecha_nacimiento|data_nascimento|年龄|出生日期|loan_applicant_age"
    ),
    "marital status": (
        "MARRIAGE|marital_status|maritalstatus|NAME_FAMILY_STATUS|personal_status|Familienstand|estado_civil|"
        "état civil|situation familiale|婚姻状况|是否已婚|spouse_income"
    ),
    "children and family": (
        "CNT_CHILDREN|num_dependents|noofdependents|dependants|family_size|Kinderzahl|anzahl_kinder|nb_enfants|hijos|"
        "personnes à charge|personas_a_cargo|filhos|dependentes|子女数|number_of_people_liable"
    ),
    "religion": "religion|Konfession|religião|宗教信仰|caste",
    "origin": (
        "race|ethnicity|nationality|citizenship|foreign_worker|Staatsangehörigkeit|nationalité|nacionalidad|raça|国籍|民族|"
        "nacionalidade|户籍|native_country|mother tongue"
    ),
    "health": "disability|is_disabled|pregnant|Behinderung|discapacidad|deficiência|残疾",
}
NAMED = [(trait, name) for trait, names in NAMES.items() for name in names.split("|")]
HONEST = (
    "mortgage|percentage|storage|account_age|age_of_oldest_account|vehicle_age|car_age|company_age|average_balance|purpose|"
    "foreign_currency_amount|kind_of_loan|home_ownership|emp_length|term|credit_history|Verwendungszweck|family_income|"
    "trace|parent_company|installment_rate|开户时长|收入|贷款用途|车龄|MSinceOldestTradeOpen|agency|engagement|single_premium"
)
LEVELS = (
    ("sex", "male|female"),
    ("sex", "M|F"),
    ("sex", "M|F|X"),
    ("sex", "男|女"),
    ("sex", "Herr|Frau"),
    ("sex", "hombre|mujer"),
    ("sex", "masculino|feminino"),
    ("sex", "homme|femme"),
    ("sex", "m|w"),
    ("sex", "'male single'|'female div/dep/mar'|'male mar/wid'"),
    ("marital status", "single|married|divorced"),
    ("marital status", "已婚|未婚|离异"),
    ("marital status", "ledig|verheiratet|geschieden|verwitwet"),
    ("marital status", "soltero|casado"),
    ("marital status", "solteiro|casado|viúvo"),
    ("marital status", "célibataire|marié|veuf"),
    ("religion", "Christian|Muslim|none"),
    ("origin", "White|Black|Asian|Hispanic"),
    ("origin", "汉族|回族"),
    ("age", "18-24|25-34|35-44|65+"),
    ("age", "<25|25-40|41-60|>60"),
)
HONEST_LEVELS = (
    "single|joint",
    "single family|condo|apartment",
    "S|M|L",
    "black|white|red",
    "own|rent",
    "0-25|25-50|50-75",
    "Y|N",
    "36 months|60 months",
    "A|B|C",
    "1|2",
    "male",
)


@pytest.mark.parametrize(("trait", "name"), NAMED)
def test_a_name_of_a_protected_trait(trait: str, name: str) -> None:
    assert protected_name(name) == trait
    assert protected_name(name.upper() if name.islower() else name) == trait


@pytest.mark.parametrize("name", HONEST.split("|"))
def test_an_honest_name(name: str) -> None:
    assert protected_name(name) == ""


@pytest.mark.parametrize(("trait", "levels"), LEVELS)
def test_levels_of_a_protected_trait_under_any_name(trait: str, levels: str) -> None:
    assert protected_levels(levels.split("|")) == trait


@pytest.mark.parametrize("levels", HONEST_LEVELS)
def test_honest_levels(levels: str) -> None:
    assert protected_levels(levels.split("|")) == ""


@settings(max_examples=20, deadline=None)
@given(case=st.sampled_from(LEVELS), name=st.sampled_from(["x1", "A9", "field_7", "Merkmal", "列3"]))
def test_a_column_of_unknown_name_is_protected_by_its_levels(case: tuple[str, str], name: str) -> None:
    random = np.random.default_rng(1)
    columns = {"id": np.arange(60), name: random.choice(case[1].split("|"), 60), "z": random.integers(9, 99, 60)}
    frame = pd.DataFrame(columns).astype(str).astype(object)
    roles = {guess.column.name: guess.role for guess in draft_schema(frame, "x", "rows").guesses}
    assert roles[name] is Role.PROTECTED
