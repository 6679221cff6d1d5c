"""``./stage check``: everything about the stages that needs no server."""

from concurrent.futures import ThreadPoolExecutor

import click

from stages import check_notes, check_stages, check_texts
from stages.faults import Fault, Ground
from stages.layout import ROOT, pyproject, stages
from stages.pictures import pictures
from stages.roadmap import roadmap
from stages.trees import take_snapshot

CHECKS = {
    "touch": check_stages.touch_rules,
    "formatting": check_stages.formatting,
    "renames": check_stages.renames,
    "names": check_stages.names,
    "migrations": check_stages.migrations,
    "sizes": check_stages.sizes,
    "notes": check_notes.notes,
    "roadmap": roadmap,
    "pictures": pictures,
    "lock": check_texts.lock,
    "links": check_texts.links,
    "commands": check_texts.commands,
    "conflicts": check_texts.conflicts,
    "private": check_texts.private,
}


@click.command()
@click.option(
    "--only", "names", multiple=True, type=click.Choice(list(CHECKS)), help="Run this check alone."
)
def check(names: tuple[str, ...]) -> None:
    """Check everything that needs no server: one line a check, and what mends each fault."""
    chosen = names or tuple(CHECKS)
    with take_snapshot(ROOT, stages()) as snapshot:
        ground = Ground(ROOT, stages(), snapshot, pyproject()["tool"]["strata"])

        def run(name: str) -> list[Fault]:
            return list(CHECKS[name](ground))

        failed = 0
        with ThreadPoolExecutor(2) as pool:  # The one for migrations waits for its processes.
            for name, faults in zip(chosen, pool.map(run, chosen), strict=True):
                show(name, faults)
                failed += bool(faults)
    if failed:
        raise click.ClickException(f"{failed} of {len(chosen)} checks found faults")


def show(name: str, faults: list[Fault]) -> None:
    """Print a check's line, and a line for each fault."""
    promise = (CHECKS[name].__doc__ or "").strip()
    mark = click.style("✗", fg="red") if faults else click.style("✓", fg="green")
    click.echo(f"{mark} {name:<11} {promise}")
    for fault in faults:
        click.echo(f"    {fault.where}: {fault.what}; {fault.mend}")
