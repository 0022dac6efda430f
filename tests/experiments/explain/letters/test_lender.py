"""What is known of the lender, from a TOML file."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_schemas.errors import ContractError
from experiments.explain.letters.lender import lender_of

FILE = """
name = "A & B <Bank>"
contact = "Desk"

[bureaus."Example Bureau"]
phone = "+1 800 555 0199"

[answers]
retention = "Five years."
"""


def test_a_file_or_a_name_says_who_the_lender_is(tmp_path: Path) -> None:
    path = tmp_path / "lender.toml"
    path.write_text(FILE, encoding="utf-8")
    lender = lender_of(str(path))
    assert (lender.name, lender.contact, lender.address) == ("A & B <Bank>", "Desk", "")
    assert lender.bureaus["Example Bureau"].phone == "+1 800 555 0199"
    assert lender.answers.retention == "Five years."
    assert lender_of(str(path), "Other desk").contact == "Other desk"
    assert lender_of("A & B <Bank>").name == "A & B <Bank>"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "cannot be read: No such file"),
        ("name = ", "is no TOML"),
        ("nam = 'A'", "nam: Extra inputs are not permitted"),
        ("name = 1", "name: Input should be a valid string"),
    ],
)
def test_a_file_with_a_fault_is_refused(text: str | None, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "lender.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as raised:
        lender_of(str(path))
    assert fault in str(raised.value)
