"""The ``creditfusion`` command: its verbs, and what becomes of errors.

Exit codes: 0 done, 1 failed, 2 wrong usage or a broken contract (also where every row broke it), 3 done but some rows
were rejected, 4 stopped by --strict at what it would only warn of, or a watch that warns, 5 a watch that alarms, 130
interrupted.
A user never meets a traceback: errors that a user can act on print what is wrong and what to do; any other goes to a
file, without its message, which may quote a cell of somebody's application. ``CREDITFUSION_DEBUG=1`` shows tracebacks
in full.

What a verb needs is imported when it runs, so that the help stays quick.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import tempfile
import traceback
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from data_schemas.errors import ContractError, UnlikeTrainingError, UserError
from experiments.augment.command import EXAMPLES as AUGMENT_EXAMPLES
from experiments.augment.command import augment
from experiments.bundle.command import app as bundle_app
from experiments.catalogue.command import EXAMPLES as CATALOGUE_EXAMPLES
from experiments.catalogue.command import catalogue
from experiments.compare.command import EXAMPLES as COMPARE_EXAMPLES
from experiments.compare.command import compare
from experiments.demo.command import EXAMPLES as DEMO_EXAMPLES
from experiments.demo.command import demo
from experiments.distil.command import EXAMPLES as DISTIL_EXAMPLES
from experiments.distil.command import distil
from experiments.explain.command import EXAMPLES as EXPLAIN_EXAMPLES
from experiments.explain.command import explain
from experiments.pretrain.command import EXAMPLES as PRETRAIN_EXAMPLES
from experiments.pretrain.command import pretrain
from experiments.probe.command import EXAMPLES as PROBE_EXAMPLES
from experiments.probe.command import probe
from experiments.schema.command import app as schema_app
from experiments.score.command import EXAMPLES as SCORE_EXAMPLES
from experiments.score.command import score
from experiments.serve.command import EXAMPLES as SERVE_EXAMPLES
from experiments.serve.command import app as serve_app
from experiments.session.environment import environment
from experiments.session.run import INTERRUPTED, WARNED
from experiments.session.standard_streams import as_named
from experiments.settings.command import EXAMPLES as SETTINGS_EXAMPLES
from experiments.settings.command import settings
from experiments.sweep.command import EXAMPLES as SWEEP_EXAMPLES
from experiments.sweep.command import sweep
from experiments.train.command import EXAMPLES as TRAIN_EXAMPLES
from experiments.train.command import train
from experiments.validate.command import EXAMPLES as EVALUATE_EXAMPLES
from experiments.validate.command import evaluate
from experiments.watch.command import EXAMPLES as WATCH_EXAMPLES
from experiments.watch.command import watch
from fusion.signatures import SIGNED_BY

FAILED, WRONG_USAGE = 1, 2

app = typer.Typer(
    name="creditfusion",
    help="Credit-risk scoring that reads an application's words beside its columns.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=DEMO_EXAMPLES)(demo)
app.add_typer(schema_app, name="schema")
app.command(epilog=PRETRAIN_EXAMPLES)(pretrain)
app.command(epilog=DISTIL_EXAMPLES)(distil)
app.command(epilog=TRAIN_EXAMPLES)(train)
app.command(epilog=SWEEP_EXAMPLES)(sweep)
app.add_typer(bundle_app, name="bundle")
app.command(epilog=SCORE_EXAMPLES)(score)
app.add_typer(serve_app, name="serve", epilog=SERVE_EXAMPLES)
app.command(epilog=EXPLAIN_EXAMPLES)(explain)
app.command(epilog=EVALUATE_EXAMPLES)(evaluate)
app.command(epilog=COMPARE_EXAMPLES)(compare)
app.command(epilog=PROBE_EXAMPLES)(probe)
app.command(epilog=AUGMENT_EXAMPLES)(augment)
app.command(epilog=WATCH_EXAMPLES)(watch)
app.command(epilog=CATALOGUE_EXAMPLES)(catalogue)
app.command(epilog=SETTINGS_EXAMPLES)(settings)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"creditfusion {version('creditfusion')}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    signed_by: Annotated[
        str | None,
        typer.Option(
            metavar="SIGNER",
            envvar=SIGNED_BY,
            help="Open no bundle without a signature by SIGNER: a public key's file, or IDENTITY,ISSUER.",
        ),
    ] = None,
) -> None:
    """Credit-risk scoring that reads an application's words beside its columns.

    Exit codes: 0 done, 1 failed, 2 wrong usage or a broken contract (also where every row broke it), 3 done but some
    rows were rejected, 4 stopped by --strict at what it would only warn of, or a watch that warns, 5 a watch that
    alarms.
    """
    if signed_by:
        context.with_resource(environment({SIGNED_BY: signed_by}))


def main() -> None:
    """Entry point of the command."""
    sys.exit(guarded(app))


def guarded(command: typer.Typer) -> int:
    """Run the command line; the exit code. Every error is printed on stderr first, with ``--json`` on stdout too."""
    try:
        command()
    except SystemExit as stop:
        if _from_ctrl_c(stop):
            print("Interrupted.", file=sys.stderr)
            _print_json(Failure("Interrupted", "interrupted", "Run the command again.", INTERRUPTED))
        return stop.code if isinstance(stop.code, int) else FAILED
    except Exception as error:
        if os.environ.get("CREDITFUSION_DEBUG") == "1":
            traceback.print_exc()
        failure = _failure(error)
        print(f"Error: {failure.message}.\n{failure.remedy}", file=sys.stderr)
        _print_json(failure)
        return failure.exit_code
    return 0


def _from_ctrl_c(stop: SystemExit) -> bool:
    """Whether Ctrl-C ended the command; a verb that was interrupted and closed its work in order exits by itself."""
    return stop.__context__ is not None and isinstance(stop.__context__.__cause__, KeyboardInterrupt)


@dataclass(frozen=True)
class Failure:
    """Why a run ended without its result.

    Attributes:
        error: kind of error.
        message: what is wrong, without a full stop.
        remedy: what to do.
        exit_code: of the command.
    """

    error: str
    message: str
    remedy: str
    exit_code: int


def _failure(error: Exception) -> Failure:
    name, exit_code = type(error).__name__, WRONG_USAGE if isinstance(error, ContractError) else FAILED
    if isinstance(error, UserError):
        exit_code = WARNED if isinstance(error, UnlikeTrainingError) else exit_code
        return Failure(name, as_named(error.message), as_named(error.remedy), exit_code)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" while writing {error.filename}" if error.filename else ""
        remedy = "Free some space, then run the command again."
        return Failure(name, f"no space left on the disk{where}", remedy, exit_code)
    if isinstance(error, OSError) and error.filename:
        remedy = "Check that the path exists and that you may use it."
        return Failure(name, as_named(f"{error.filename}: {error.strerror}"), remedy, exit_code)
    message = f"unexpected {name}; where it happened is written in {_write_trace(error)}"
    return Failure(name, message, "This is a fault of creditfusion. CREDITFUSION_DEBUG=1 shows it in full.", exit_code)


def _print_json(failure: Failure) -> None:
    """Print a failure as one JSON object on stdout, where the command line asks for JSON."""
    words = sys.argv[1:]
    if "--json" in words:
        while words[0].startswith("--signed-by"):
            words = words[1 if "=" in words[0] else 2 :]
        verb = " ".join(words[: 2 if words[0] in ("bundle", "schema") else 1])
        print(json.dumps({"verb": verb, "status": "failed", **asdict(failure)}), flush=True)


def _write_trace(error: Exception) -> str:
    """Write the places an exception went through, without its message, to a file of their own; the file's path."""
    places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    handle, path = tempfile.mkstemp(prefix="creditfusion-error-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join([type(error).__name__, *places]) + "\n")
    return str(Path(path))
