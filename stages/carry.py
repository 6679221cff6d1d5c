"""``./stage carry``: bring an uncommitted change of one stage into all later ones.

Each step from a stage to the next is a three-way merge of files: the base is the earlier stage as
committed, or as it was when the file was last carried; the sides are the earlier and the later
stage as they are on disk. A step carries on only the files that the step before reached, as they
are there, so that what was adapted on the way stays adapted.
"""

import json
from itertools import pairwise
from pathlib import Path

import click

from stages.layout import STAGE, STATE, Stage, stages
from stages.merge import Carried, Step, merge_step
from stages.trees import Blob, Snapshot, conflict_lines, take_snapshot

RECORD = STATE / "carried.json"


@click.command()
@click.argument("stage", type=STAGE)
@click.option("--check", is_flag=True, help="Change nothing; show what would happen.")
def carry(stage: Stage, check: bool) -> None:
    """Carry the uncommitted change of STAGE into all later stages.

    Uncommitted changes in later stages are kept, and carried on where they are in the same files.
    At the first stage with conflicts it stops: resolve them, then carry from that stage. Carrying
    again changes nothing.
    """
    chain = [stage, *(other for other in stages() if other > stage)]
    if len(chain) == 1:
        raise click.UsageError(f"{stage.name} is the last stage; there is none to carry into")
    root = stage.path.parent
    # What was carried is the base of the next carry, so the objects must outlive this one.
    with take_snapshot(root, chain, keep_objects=True) as snapshot:
        refuse_unready(snapshot, root, chain)
        steps = plan(snapshot, chain)
        _report(steps)
        if not check:
            for step in steps:
                _write(snapshot, step)
                _remember(step)
    last = steps[-1]
    if last.conflicts:
        then = f", then ./stage carry {last.target.number}" if last.target != chain[-1] else ""
        names = ", ".join(f"{last.target.name}/{path}" for path in last.conflicts)
        if check:
            raise click.ClickException(f"there would be conflicts in {names}")
        raise click.ClickException(f"conflicts in {names}: fix the markers{then}")


def refuse_unready(snapshot: Snapshot, root: Path, chain: list[Stage]) -> None:
    """Raise if the stages have no commit to compare with, or conflict markers are left in them."""
    if not (root / ".git").exists():
        raise click.ClickException("carry compares with the last commit, and this is no git clone")
    for stage in chain[:-1]:
        if not snapshot.has(f"HEAD:{stage.name}"):
            raise click.ClickException(f"{stage.name} is in no commit yet: commit it, then carry")
    for stage in chain:
        for path in snapshot.files(snapshot.of(stage)):
            if lines := conflict_lines((stage.path / path).read_bytes()):
                raise click.ClickException(
                    f"{stage.name}/{path} has conflict markers at line {lines[0]}: "
                    f"take them out, then ./stage carry {stage.number}"
                )


def plan(snapshot: Snapshot, chain: list[Stage]) -> list[Step]:
    """What carrying does to each later stage, up to the first with conflicts; writes no file."""
    steps: list[Step] = []
    record = load_record()
    reached: set[str] = set()
    for source, target in pairwise(chain):
        changes = snapshot.changes(f"HEAD:{source.name}", snapshot.of(source), similar="50%")
        if not changes and not steps:
            raise click.UsageError(f"{source.name} has no uncommitted change to carry")
        if steps:
            changes = [change for change in changes if {change.path, change.old_path} & reached]
        if not changes:
            break
        step = Step(source, target)
        snapshot = merge_step(snapshot, step, changes, record.get(source.name, {}))
        steps.append(step)
        if step.conflicts:
            break
        reached = {*step.carried, *step.results}
    return steps


def load_record() -> dict[str, Carried]:
    """What was carried out of each stage last, by the stage's name."""
    if not RECORD.exists():
        return {}
    return {
        name: {
            path: (Blob(*old) if old else None, Blob(*new) if new else None)
            for path, (old, new) in files.items()
        }
        for name, files in json.loads(RECORD.read_text(encoding="utf-8")).items()
    }


def _remember(step: Step) -> None:
    record = load_record()
    record.setdefault(step.source.name, {}).update(step.carried)
    RECORD.parent.mkdir(exist_ok=True)
    scratch = RECORD.with_suffix(".new")
    scratch.write_text(json.dumps(record, indent=1), encoding="utf-8")
    scratch.replace(RECORD)


def _write(snapshot: Snapshot, step: Step) -> None:
    contents = {
        path: snapshot.git("cat-file", "blob", blob.sha)
        for path, blob in step.results.items()
        if blob
    }
    for path, blob in step.results.items():
        file = step.target.path / path
        if blob is None:
            file.unlink()
            for folder in file.parents:
                if folder == step.target.path or any(folder.iterdir()):
                    break
                folder.rmdir()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(contents[path])
        bits = file.stat().st_mode
        file.chmod(bits | 0o111 if blob.mode == "100755" else bits & ~0o111)


def _report(steps: list[Step]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("into", "file", "what happens")
    for step in steps:
        for path, word in step.outcomes.items():
            style = "red" if path in step.conflicts else "dim" if path in step.absent else ""
            table.add_row(step.target.name, path, word, style=style)
        table.add_section()
    console = Console(markup=False, highlight=False)
    console.print(table)
    for step in steps:
        if step.own:
            files = ", ".join(step.own)
            console.print(f"{step.target.name} has uncommitted changes of its own, kept: {files}")
