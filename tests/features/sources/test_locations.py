"""Where the records of sources lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.errors import ContractError
from features.sources.locations import Location, masked, parse_locations
from tests.support.joins import ACCOUNTS, schema_with

SCHEMA = schema_with(ACCOUNTS)


def test_a_file_a_table_and_a_query() -> None:
    def of(place: str) -> Location:
        return parse_locations([f"bureau={place}"], SCHEMA)["bureau"]

    assert of("a=b#1.csv") == Location("bureau", Path("a=b#1.csv"))
    assert of("x.duckdb#main.accounts") == Location("bureau", Path("x.duckdb"), table="main.accounts")
    url = "postgresql://me:secret@host/base"
    assert of(f"{url}#select 1;") == Location("bureau", None, url=url, query="select 1")
    assert str(of(f"{url}#t")) == "postgresql://host/base#t"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["burau=x.csv"], "no source 'burau'. Perhaps 'bureau' is meant"),
        (["bureau=x.csv", "bureau=y.csv"], "'bureau' is given twice"),
        (["bureau"], "names no location. Write --source bureau=FILE"),
        (["bureau=x.duckdb"], "no table of it is named"),
        (["bureau=mysql://host/base#t"], "lies at mysql://host/base#t, which is not read"),
    ],
)
def test_what_is_no_location_is_refused_with_a_remedy(given: list[str], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        parse_locations(given, SCHEMA)


SECRETS = st.lists(st.sampled_from("@:/?#&=%;+,[]' "), min_size=1, max_size=4).map(
    lambda marks: "".join(f"qXz{i}{mark}" for i, mark in enumerate(marks)) + "qXz"
)
URLS = (
    "postgresql://u:{}@h/d#t",
    "POSTGRES+psycopg2://u:{}@h:5432/d#public.t",
    "postgresql://{}@h/d#SELECT * FROM t",
    "postgresql://h/d?user=u&password={}#t",
    "postgresql://u:{}@h/d",
    "postgresql://u:{}@h/d?sslmode=require#t",
    "postgresql:/u:{}@h/d#t",
    "mysql://u:{}@h/d#t",
)


@given(secret=SECRETS, url=st.sampled_from(URLS), name=st.sampled_from(["bureau=", "", "burau=", "bureau"]))
def test_no_password_is_shown(secret: str, url: str, name: str) -> None:
    text = name + url.format(secret)
    assert "qXz" not in masked(text)
    assert "qXz" not in answer(text)


def answer(text: str) -> str:
    """The location as it is shown, or why it is none."""
    try:
        return str(*parse_locations([text], SCHEMA).values())
    except ContractError as error:
        return f"{error.message} {error.remedy}"


def test_what_is_no_secret_is_shown() -> None:
    assert masked("b=postgresql://me:x@h:1/d?sslmode=require#main.t") == "b=postgresql://h:1/d?...#main.t"
    assert masked("b=postgresql://[::1]/d#SELECT id, '@' FROM t") == "b=postgresql://[::1]/d#SELECT id, '@' FROM t"
    assert masked("b=files/x@y.csv") == "b=files/x@y.csv"


def test_a_driver_does_not_tell_the_password() -> None:
    url = "postgresql://u:s3c%20t@h/d?sslpassword=more#t"
    location = parse_locations([f"bureau={url}"], SCHEMA)["bureau"]
    masked = location.without_password(
        f"s3c t of user u, s3c%20t, more: host=h password='s3c t' sslpassword=more {url}"
    )
    assert masked == "... of user u, ..., ...: host=h password=... sslpassword=... postgresql://h/d?...#t"


def test_a_schema_without_sources_takes_none() -> None:
    with pytest.raises(ContractError, match="declares no sources"):
        parse_locations(["bureau=x.csv"], schema_with())
