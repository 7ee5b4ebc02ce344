"""Commands for what waits: the dead letters (list, show, replay, discard), and the peers."""

import sys
from typing import Annotated, Any

import typer

from edoc.cli._run import emit_json, fail, reported, say
from edoc.cli.operate import JsonOption, NodeOption, my_name
from edoc.errors import InputError

TaskArgument = Annotated[int, typer.Argument(help="The number that 'dead-letters list' shows.")]
CodeOption = Annotated[
    list[str] | None, typer.Option("--code", metavar="CODE", help="Only failures of this kind; repeatable.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    letters = typer.Typer(help="Work that was set aside for a person.", no_args_is_help=True)
    for name, command, example in (
        ("list", list_, "list --code EXPIRED --node /srv/edoc/node"),
        ("show", show, "show 17 --node /srv/edoc/node"),
        ("replay", replay, "replay --code EXPIRED --limit 10 --dry-run --node /srv/edoc/node"),
        ("discard", discard, "discard 17 --reason 'sent on paper' --node /srv/edoc/node"),
    ):
        letters.command(name, epilog=f"Example: edoc dead-letters {example}")(command)
    app.add_typer(letters, name="dead-letters")
    app.command("peers", epilog="Example: edoc peers --node /srv/edoc/node --json")(peers)


def list_(
    node: NodeOption,
    code: CodeOption = None,
    discarded: Annotated[bool, typer.Option("--discarded", help="Those that were given up.")] = False,
    json: JsonOption = False,
) -> None:
    """List the steps that were set aside, with their reasons; the oldest first."""
    from edoc.node import deadletters
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        rows = deadletters.list_letters(opened.journal, codes=code or (), discarded=discarded)
    if json:
        emit_json(rows)
        return
    for row in rows:
        name = row["document_id"] or row["document"]
        _write(
            f"{row['task']}  {row['dead_at']}  {row['code']}  {name}  {_step(row)}: {row['error']}",
        )
    if not rows:
        say("No step was set aside." if not discarded else "No step was given up.")


def show(task: TaskArgument, node: NodeOption, json: JsonOption = False) -> None:
    """Show everything about a step that was set aside: reason, who has to act, every attempt."""
    from edoc.node import deadletters
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        told = deadletters.show_letter(opened.journal, task)
    if json:
        emit_json(told)
        return
    name = told["document_id"] or told["document"]
    _write(f"{task}  {_step(told)}  {name} ({told['direction']}, {told['state']})")
    for words in (f"{told['code']}: {told['error']}", told.get("meaning"), told.get("meaning_vi")):
        if words:
            _write(f"  {words}")
    if "acts" in told:
        _write(f"  who acts: {told['acts']}")
    for attempt in told["history"]:
        what = f"start {attempt['start']}  {attempt['outcome']:9}  {attempt['code']}: {attempt['words']}"
        _write(f"  {attempt['at']}  {what}")


def replay(
    node: NodeOption,
    tasks: Annotated[list[int] | None, typer.Argument(help="Numbers that 'dead-letters list' shows.")] = None,
    code: CodeOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Whatever waits.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, the oldest first.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be tried.")] = False,
    json: JsonOption = False,
) -> None:
    """Try steps again after their reason was removed: certain ones, those of a kind, or all."""
    from edoc.node import deadletters
    from edoc.node.node import Node

    if not (tasks or code or everything):
        fail(InputError("nothing to replay.", advice="Name tasks, or --code CODE, or --all."), 2)
    with reported(), Node.open(node) as opened:
        replayed = deadletters.replay(
            opened.journal, tasks or (), codes=code or (), limit=limit, dry_run=dry_run, actor=my_name()
        )
    if json:
        emit_json({"replayed": replayed, "dry_run": dry_run})
        return
    for task in replayed:
        sys.stdout.write(f"{task}\n")
    say(f"{len(replayed)} would be tried again." if dry_run else f"{len(replayed)} are tried again.")


def discard(
    task: TaskArgument,
    node: NodeOption,
    reason: Annotated[str, typer.Option(help="Why it is given up; stays visible.")],
    json: JsonOption = False,
) -> None:
    """Give a step up for good: its document, or that delivery, comes to an end that everybody sees."""
    from edoc.node import deadletters
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        state = deadletters.discard(opened, task, reason=reason, actor=my_name())
    if json:
        emit_json({"discarded": task, "state": state.value})
    else:
        say(f"Step {task} was given up; its document is {state.value}.")


def peers(node: NodeOption, json: JsonOption = False) -> None:
    """List whom this node sends to: can they be reached, what failed last, how much waits for them."""
    from edoc.node.node import Node
    from edoc.node.peers import list_peers

    with reported(), Node.open(node) as opened:
        rows = list_peers(opened.journal)
    if json:
        emit_json(rows)
        return
    for row in rows:
        until = f" until {row['open_until']}" if row["state"] == "open" else ""
        error = f"  {row['last_error_at']} {row['last_error']}" if row["failures"] else ""
        _write(f"{row['peer']}  {row['state']}{until}  {row['waiting']} waiting{error}")
    if not rows:
        say("Nothing was sent yet.")


def _step(row: dict[str, Any]) -> str:
    return " ".join(filter(None, (row["kind"], row["argument"])))


def _write(line: str) -> None:
    """One line; what others wrote may hold anything, even what moves the cursor."""
    sys.stdout.write("".join(letter if letter.isprintable() else "�" for letter in line) + "\n")
