from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import pytest
import typer

from data_schemas.errors import ContractError, RunError, UnlikeTrainingError
from experiments.cli import guarded
from tests.support.command_line import creditfusion as in_process

ROOT = Path(__file__).resolve().parents[2]


def run(monkeypatch: pytest.MonkeyPatch, error: BaseException | None, *words: str) -> int:
    """The exit code of a command that raises this error, where these words are typed behind its name."""
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def verb(json_output: Annotated[bool, typer.Option("--json")] = False) -> None:
        assert json_output == bool(words)
        if error is not None:
            raise error

    monkeypatch.setattr(sys, "argv", ["creditfusion", *words])
    return guarded(app)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (ContractError("in.csv has no column 'id'", "Add it."), 2, "Error: in.csv has no column 'id'.\nAdd it.\n"),
        (RunError("the file broke off", "Copy it again."), 1, "Error: the file broke off.\nCopy it again.\n"),
        (OSError(errno.ENOSPC, "No space left", "out.csv"), 1, "no space left on the disk while writing out.csv"),
        (OSError(errno.ENOSPC, "No space left"), 1, "no space left on the disk.\n"),
        (PermissionError(errno.EACCES, "Permission denied", "model"), 1, "Error: model: Permission denied.\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (typer.Exit(3), 3, ""),
        (None, 0, ""),
    ],
)
def test_errors_become_exit_codes_and_plain_words(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException | None,
    code: int,
    says: str,
) -> None:
    assert run(monkeypatch, error) == code
    printed = capsys.readouterr()
    assert says in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_an_unexpected_error_is_located_in_a_file_without_its_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert run(monkeypatch, ValueError("could not convert 'what an applicant wrote'")) == 1
    printed = capsys.readouterr().err
    assert "unexpected ValueError" in printed
    assert "Traceback" not in printed
    (trace,) = tmp_path.iterdir()
    assert str(trace) in printed
    assert "test_cli.py" in trace.read_text()
    assert "applicant" not in printed + trace.read_text()


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ContractError("in.csv has no column 'id'", "Add it."), 2, "in.csv has no column 'id'"),
        (RunError("the file broke off", "Copy it again."), 1, "the file broke off"),
        (UnlikeTrainingError("every income is a thousandth", "Look at it."), 4, "every income is a thousandth"),
        (OSError(errno.ENOSPC, "No space left"), 1, "no space left on the disk"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_with_json_an_error_is_one_object_on_stdout_and_words_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, message: str
) -> None:
    assert run(monkeypatch, error, "--json") == code
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["status"] == "failed"
    assert (found["message"], found["exit_code"]) == (message, code)
    assert found["remedy"].endswith(".")
    assert message in printed.err.lower()


def test_a_verb_that_closed_in_order_after_ctrl_c_prints_no_second_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, typer.Exit(130), "--json") == 130
    assert capsys.readouterr().out == ""


def test_a_missing_model_is_json_before_the_run_begins(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = ("--model", tmp_path / "absent", "--data", tmp_path / "new.csv", "--out", tmp_path / "o.csv")
    assert in_process("score", *files, "--json") != 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verb"], found["status"]) == ("score", "failed")
    assert "absent" in found["message"] or "new.csv" in found["message"]


def test_debugging_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CREDITFUSION_DEBUG", "1")
    assert run(monkeypatch, ContractError("no id", "Add it.")) == 2
    assert "Traceback" in capsys.readouterr().err


def creditfusion(*arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """The finished command, run with these environment variables beside its own."""
    command = [sys.executable, "-m", "creditfusion", *arguments]
    environment = os.environ | variables
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=600, check=False)


def test_the_version() -> None:
    done = creditfusion("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"creditfusion \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize(
    "verb", [["demo"], ["schema", "check"], ["schema", "infer"], ["train"], ["pretrain"], ["score"]]
)
def test_every_verb_explains_itself_with_examples(verb: list[str]) -> None:
    done = creditfusion(*verb, "--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout
    assert f"creditfusion {' '.join(verb)}" in done.stdout


def test_the_help_is_quick_because_nothing_heavy_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "creditfusion", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "typer" in imported
    heavy = "torch transformers tokenizers pandas numpy scipy pyarrow sklearn lightgbm shap numba optuna sqlalchemy"
    assert not imported & {*heavy.split(), "pydantic", "jsonschema", "jinja2", "matplotlib"}


def test_drafting_imports_nothing_that_only_models_need() -> None:
    heavy = ("torch", "lightgbm", "numba", "scipy.stats", "sklearn", "transformers")
    code = (
        "import sys, experiments.schema.infer.interview, features.inference.sample, experiments.session.run\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["scor"], "No such command"),
        (["score"], "Missing option"),
        (["score", "--model", "m", "--data", "d.csv", "--out", "o.csv", "--chunk-rows", "0"], "--chunk-rows"),
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str], says: str) -> None:
    done = creditfusion(*arguments)
    assert done.returncode == 2
    assert says in re.sub(r"\x1b\[[\d;]*m", "", done.stderr)
    assert "Traceback" not in done.stderr


def test_packages_in_the_working_directory_are_not_imported(tmp_path: Path) -> None:
    for name in ("data_schemas", "features", "fusion", "experiments", "typer", "rich"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('imported from the working directory')")
    done = creditfusion("score", "--help", cwd=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr
    assert "creditfusion score" in done.stdout


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", ".bash_completions/creditfusion.sh"),
        ("zsh", ".zfunc/_creditfusion"),
        ("fish", ".config/fish/completions/creditfusion.fish"),
    ],
)
def test_completion_is_installed_for_every_shell(shell: str, file: str, tmp_path: Path) -> None:
    variables = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "PYTHONPATH": str(ROOT)}

    def run_script(option: str) -> str:
        command = [str(Path(sys.executable).with_name("creditfusion")), option, shell]
        return subprocess.run(
            command, env=os.environ | variables, capture_output=True, text=True, timeout=600, check=True
        ).stdout

    shown = run_script("--show-completion")
    assert f"_CREDITFUSION_COMPLETE=complete_{shell}" in shown
    assert str(tmp_path / file) in run_script("--install-completion").replace("\n", "")
    assert (tmp_path / file).read_text().strip() == shown.strip()


@pytest.mark.parametrize(
    ("shell", "variables"),
    [
        ("bash", {"COMP_WORDS": "creditfusion sc", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "creditfusion sc"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "creditfusion sc", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_completion_finds_the_verbs(shell: str, variables: dict[str, str]) -> None:
    command = Path(sys.executable).with_name("creditfusion")
    environment = os.environ | variables | {"_CREDITFUSION_COMPLETE": f"complete_{shell}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=True)
    assert set(re.findall(r"\bsc\w+", done.stdout)) == {"score", "schema"}


@pytest.mark.parametrize("signer", [("--signed-by", "x,y"), ("--signed-by=x,y",)])
def test_a_failure_names_its_verb_behind_the_options_of_all_verbs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, signer: tuple[str, ...]
) -> None:
    assert in_process(*signer, "bundle", "show", tmp_path / "absent", "--json") == 2
    assert json.loads(capsys.readouterr().out)["verb"] == "bundle show"
