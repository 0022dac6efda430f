"""``creditfusion serve``: scores, decisions and reasons over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data_schemas.errors import ContractError, RunError
from experiments.options import JsonOption, PolicyOption, SecondOption, ThreadsOption

MAX_REASONS = 20

EXAMPLES = """
Examples:

creditfusion serve --model bundle

creditfusion serve --model bundle --policy policy.toml --second fraud=models/fraud --log decisions.jsonl

creditfusion serve --model bundle --challenger new --share 0.1 --log postgresql://scores@db/decisions

creditfusion serve --model bundle --shadow new --log decisions.jsonl

creditfusion serve new-key frontend --keys keys.txt

creditfusion serve --model bundle --host 0.0.0.0 --keys keys.txt --log decisions.jsonl
"""

app = typer.Typer(invoke_without_command=True, rich_markup_mode="markdown")


@app.callback()
def serve(
    context: typer.Context,
    model: Annotated[Path | None, typer.Option(help="Model bundle, the folder that `train` wrote.")] = None,
    challenger: Annotated[
        Path | None, typer.Option(help="Bundle that decides --share of the applications, drawn by their ids.")
    ] = None,
    share: Annotated[float, typer.Option(help="Share of the applications that the challenger decides.")] = 0.1,
    experiment: Annotated[
        str | None, typer.Option(help="Name that salts the draw. Left out: the ids of the two models.")
    ] = None,
    shadow: Annotated[
        Path | None, typer.Option(help="Bundle that scores every application too, and is only logged.")
    ] = None,
    policy: PolicyOption = None,
    second: SecondOption = None,
    reasons: Annotated[
        int, typer.Option(min=0, max=MAX_REASONS, help="Adverse reasons per application; 0: none, quicker.")
    ] = 4,
    log: Annotated[
        str | None,
        typer.Option(
            help="Where decisions are kept: a file of JSON lines, or postgresql://USER:PASSWORD@HOST/DATABASE."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Name or address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for a free one.")] = 8000,
    keys: Annotated[
        Path | None, typer.Option(dir_okay=False, help="File of hashed API keys, as `serve new-key` writes it.")
    ] = None,
    no_keys: Annotated[
        bool, typer.Option("--no-keys", help="Serve other machines without keys, behind a proxy that checks them.")
    ] = False,
    max_kb: Annotated[int, typer.Option(min=1, help="Largest body, in kB.")] = 1024,
    max_rows: Annotated[int, typer.Option(min=1, help="Most applications of a request.")] = 100,
    max_text: Annotated[int, typer.Option(min=1, help="Most characters of a cell.")] = 20_000,
    rate: Annotated[
        float, typer.Option(min=0, help="Applications a second by key, or by address without keys; 0: any number.")
    ] = 200.0,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds from the first byte to the answer.")] = 30.0,
    batch_ms: Annotated[
        float, typer.Option(min=0, max=1000, help="Milliseconds that an idle service waits for more requests.")
    ] = 2.0,
    batch_rows: Annotated[int, typer.Option(min=1, help="Most applications that are scored together.")] = 64,
    queue_rows: Annotated[int, typer.Option(min=1, help="Most applications that may wait; more are refused.")] = 1024,
    access_log: Annotated[
        bool, typer.Option("--access-log/--no-access-log", help="Write a line per request to stderr.")
    ] = True,
    cache: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Folder of narrative vectors to read and to keep. Left out: none are kept."),
    ] = None,
    threads: ThreadsOption = 0,
    json_output: JsonOption = False,
) -> None:
    """Serve scores, decisions and reasons over HTTP.

    POST /score and /explain take one application as a JSON object, or a list of them; every application is scored or,
    with column, rule and remedy, rejected. GET /health, /model, /metrics and /openapi.json describe the rest. The port
    opens when the models are verified and ready; SIGTERM or Ctrl-C finishes what was accepted.

    Requests that arrive close together are scored in one batch; an answer does not depend on its company.

    With --challenger a hash of the application's id decides which model decides, the same after every restart. With
    --shadow both score, the champion decides. --log keeps every decision before its answer is sent, for
    `creditfusion compare --decisions`: ids, PDs, reasons, never a cell or a word.

    Without --keys only this machine is served. TLS is a proxy's work: docs/service.md shows one.

    --json prints one JSON object when the port is open, and one at the end.
    """
    if context.invoked_subcommand:
        return
    if model is None:
        raise ContractError("serve needs a model", "Name its bundle with --model.")
    check_installed()
    from experiments.serve.batching import BatchLimits
    from experiments.serve.job import Address, ModelFiles
    from experiments.serve.limits import Limits
    from experiments.serve.whole_run import ServeRequest, serve_as_requested

    request = ServeRequest(
        files=ModelFiles(model, challenger, shadow, share, experiment, policy, tuple(second or ()), reasons),
        log=log,
        address=Address(host, port),
        keys=keys,
        no_keys=no_keys,
        limits=Limits(max_kb * 1024, max_rows, max_text, rate, timeout),
        batches=BatchLimits(batch_ms / 1e3, batch_rows, queue_rows),
        access_log=access_log,
        cache=cache,
        threads=threads,
    )
    serve_as_requested(request, json_output)


@app.command("new-key")
def new_key(
    name: Annotated[str, typer.Argument(help="Whose key it is; the access log names it.")],
    keys: Annotated[Path, typer.Option(dir_okay=False, help="File to add the key's hash to.")],
) -> None:
    """Make an API key: its hash goes into the file, the key itself to stdout, once."""
    from experiments.serve.keys import add_key

    print(add_key(name, keys))


def check_installed() -> None:
    """Raise RunError where the extra is not installed."""
    try:
        import fastapi
        import uvicorn
    except ImportError as error:
        raise RunError("the service's packages are not installed", "pip install 'creditfusion[serve]'.") from error
    del fastapi, uvicorn
