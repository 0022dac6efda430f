"""Where the records of sources lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_schemas.errors import ContractError
from features.sources.locations import Location, parse_locations
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
        (["bureau=mysql://host/base#t"], "lies at mysql://, which is not read"),
    ],
)
def test_what_is_no_location_is_refused_with_a_remedy(given: list[str], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        parse_locations(given, SCHEMA)


def test_a_schema_without_sources_takes_none() -> None:
    with pytest.raises(ContractError, match="declares no sources"):
        parse_locations(["bureau=x.csv"], schema_with())
