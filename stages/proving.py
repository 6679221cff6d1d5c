"""``./stage prove``: a layer's proofs fail on the stage before, for their reason, and hold now."""

import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import click

from stages.check_notes import WRITE
from stages.layout import ROOT, STAGE, STATE, Stage, stages
from stages.notes import fenced, load_note, note_files
from stages.processes import new_run
from stages.run import environment
from stages.servers import servers
from stages.testing import Result, pytest_session
from stages.volatile import same_but_figures

FOLDER = STATE / "prove"


@click.command()
@click.argument("stage", metavar="N", type=STAGE)
@click.option("--note/--no-note", default=True, help="Compare with what the note of N shows.")
def prove(stage: Stage, note: bool) -> None:
    """Run the proofs of stage N against the stage before, where each must fail, and against N.

    A proof must fail for the reason that it states; a guard must only hold in N. The note of N
    must show what is printed, but for figures.
    """
    before = next((other for other in stages() if other.number == stage.number - 1), None)
    if before is None:
        raise click.UsageError(f"no stage comes before {stage.name}: there is nothing to prove")
    proofs = stage.path / "tests" / f"test_{stage.number:02}_proofs.py"
    if not proofs.exists():
        raise click.ClickException(f"{stage.name} has no tests/{proofs.name}")
    with new_run() as mark, servers([before, stage], mark, passing=True) as variables:
        with copy_with(before, proofs, mark) as folder:
            old = results(before, folder, environment(before, mark, variables), proofs)
        new = results(stage, stage.path, environment(stage, mark, variables), proofs)
    said, sound = report(stage, before, old, new)
    if sound and note:
        require_shown(stage, said)
    sys.exit(not sound)


@contextmanager
def copy_with(before: Stage, proofs: Path, mark: str) -> Iterator[Path]:
    """A throw-away copy of the stage before, with the proofs among its tests."""
    folder = FOLDER / mark / before.name
    try:
        litter = shutil.ignore_patterns(".env", ".*_cache", "__pycache__")
        shutil.copytree(before.path, folder, ignore=litter)
        shutil.copy(proofs, folder / "tests")
        yield folder
    finally:
        shutil.rmtree(folder.parent, ignore_errors=True)


def results(stage: Stage, folder: Path, env: dict[str, str], proofs: Path) -> dict[str, Result]:
    """What became of each proof and guard, by the test's name; ``""`` for the file as a whole."""
    with log(stage).open("w", encoding="utf-8") as output:
        session = pytest_session(folder, env, [f"tests/{proofs.name}"], output)
    return {nodeid.partition("::")[2]: result for nodeid, result in session.results.items()}


def log(stage: Stage) -> Path:
    """Where pytest's own words go."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    return FOLDER / f"{stage.name}.log"


def transcript(stage: Stage, printed: str) -> str:
    """What the note of a stage shows of its proofs."""
    return fenced("text", f"$ ./stage prove {stage.number}\n{printed.rstrip()}")


def require_shown(stage: Stage, printed: str) -> None:
    """Refuse what the note of a stage shows otherwise; raises ClickException."""
    for note in map(load_note, note_files(stage)):
        for block in note.blocks:
            shown = same_but_figures(transcript(stage, printed), block.filled)
            if block.kind == "proof" and not shown:
                where = f"{note.path}:{block.line}"
                raise click.ClickException(f"{where} shows something else; {WRITE} --run")


def report(
    stage: Stage, before: Stage, old: dict[str, Result], new: dict[str, Result]
) -> tuple[str, bool]:
    """Print each claim with both outcomes.

    Returns what was printed, and whether everything is as it should be.
    """
    said: list[str] = []
    verdicts: list[bool] = []

    def say(text: str) -> None:
        said.append(click.unstyle(text))
        click.echo(text)

    def tell(name: str, fault: str, good: str) -> None:
        sign = click.style("✗", fg="red") if fault else click.style("✓", fg="green")
        say(f"    {sign} {name}: {fault or good}")
        verdicts.append(not fault)

    # A parametrised test is one proof, which holds if every case does.
    tests = groupby(new, key=lambda name: name.partition("[")[0])
    for name, cases in [(name, list(cases)) for name, cases in tests]:
        kind, mark = next(iter(new[cases[0]].claims.items()), ("unmarked", {}))
        say(f"{kind}: {click.style(mark.get('claim', name), bold=True)}")
        if kind == "proof":
            failed = [old.get(case) or old.get("") for case in cases]
            faults = [fault_before(each, mark.get("before")) for each in failed]
            tell(before.name, first(faults), f"fails, as it must: {first_line(failed[0])}")
        tell(stage.name, first(fault_now(kind, new[case]) for case in cases), "holds")
    if not any("proof" in result.claims for result in new.values()):
        tell(stage.name, "no test is marked as a proof", "")
    if not all(verdicts):
        logs = " and ".join(str(log(each).relative_to(ROOT)) for each in (before, stage))
        click.echo(f"\nThe whole output of pytest is in {logs}")
    return "\n".join(said), all(verdicts)


def first(faults: Iterable[str]) -> str:
    """The first fault there is; nothing if there is none."""
    return next(filter(None, faults), "")


def fault_before(result: Result | None, reason: str | None) -> str:
    """What is wrong with how a proof ended on the stage before; nothing if it is in order."""
    if result is None:
        return "did not run"
    if result.outcome != "failed":
        return f"{result.outcome}, so it proves nothing"
    if result.phase != "call":
        return f"could not even start ({result.phase}): {first_line(result)}"
    if not reason:
        return "its mark states no reason (before=...)"
    if not re.search(reason, result.message):
        return f"fails for another reason than {reason!r}: {first_line(result)}"
    return ""


def fault_now(kind: str, result: Result) -> str:
    """What is wrong with how a test ended in the stage itself; nothing if it is in order."""
    if result.outcome != "passed":
        return f"{result.outcome} in {result.phase}: {first_line(result)}"
    return "" if kind in ("proof", "guard") else "is neither marked as a proof nor as a guard"


def first_line(result: Result | None) -> str:
    """The assertion's reason in one line."""
    lines = result.message.splitlines() if result else []
    return lines[0] if lines else "no reason given"
