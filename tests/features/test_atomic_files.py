from __future__ import annotations

from pathlib import Path

import pytest

from features.atomic_files import new_folder


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with new_folder(tmp_path / "deep" / "out") as folder:
        (folder / "file").write_text("new")
        assert not (tmp_path / "deep" / "out").exists()
    assert (tmp_path / "deep" / "out" / "file").read_text() == "new"
    assert names(tmp_path / "deep") == ["out"]


def test_an_older_one_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("old")
    with new_folder(out) as folder:
        (folder / "new").write_text("new")
        assert names(out) == ["old"]
    assert names(out) == ["new"]
    assert names(tmp_path) == ["out"]


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("old")

    def fill() -> None:
        with new_folder(out) as folder:
            (folder / "new").write_text("new")
            raise ValueError("half done")

    with pytest.raises(ValueError, match="half done"):
        fill()
    assert names(out) == ["old"]
    assert names(tmp_path) == ["out"]


def test_an_older_one_comes_back_when_the_name_cannot_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("old")
    real = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if "writing" in path.name:
            raise OSError("no")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="no"), new_folder(out) as folder:
        (folder / "new").write_text("new")
    assert names(out) == ["old"]
    assert names(tmp_path) == ["out"]
