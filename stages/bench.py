"""``./stage bench``: what a layer costs, by real requests to a production server."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from stages.figures import Figures, Report, name_of, require_place
from stages.layout import ROOT, Stage, find_stage, stages
from stages.prices import LAYERS, Prices
from stages.processes import lock_free, new_run
from stages.run import environment
from stages.servers import servers
from stages.service import FOLDER, Site

# The same file in all stages that have it: what each is asked when layers are compared.
REQUESTS = Path("tests", "bench_layers.py")


@click.command()
@click.argument("wanted", metavar="[N …] [layers]", nargs=-1)
@click.option("--posts", default=100_000, show_default=True, type=click.IntRange(100))
@click.option("--seconds", default=5.0, show_default=True, type=click.FloatRange(0.1))
@click.option("--connections", default=16, show_default=True, type=click.IntRange(1, 200))
@click.option("--write", is_flag=True, help="Put the figures into docs/benchmarks.md.")
def bench(
    wanted: tuple[str, ...], posts: int, seconds: float, connections: int, write: bool
) -> None:
    """Measure what stages declare in tests/bench_NN_*.py, and what each layer costs.

    Without N: the layer of every stage, then "layers": the same requests to all stages at once.
    With "layers" and N: those stages alone are compared. Each stage gets a production server and a
    database with generated posts, which is kept for the next time. Each request is made for some
    seconds, in turns with the others. Exit code 1 when a figure does not hold. A DATABASE_URL in
    the environment says which server to use.
    """
    single, compared = chosen(wanted)
    if write:
        require_place([*map(name_of, single.values()), *([LAYERS] if compared else [])])
    load = {"posts": posts, "seconds": seconds, "connections": connections}
    hold = True
    several = list(dict.fromkeys([*single, *compared]))
    with new_run() as mark, alone(), servers(several, mark, passing=True) as variables:
        sites = {
            stage: fill(Site(stage, environment(stage, mark, variables), mark), posts)
            for stage in several
        }
        for report in reports(single, [sites[stage] for stage in compared], sites, load):
            hold &= report.show()
            if write:
                report.write()
    sys.exit(not hold)


def chosen(wanted: Sequence[str]) -> tuple[dict[Stage, Path], list[Stage]]:
    """What to measure: stages, each with the declaration of its layer, and stages to compare."""
    named = [find_stage(text) for text in dict.fromkeys(wanted) if text != LAYERS]
    declared = {stage: path for stage in named or stages() for path in declarations(stage)}
    compared = [stage for stage in named or stages() if (stage.path / REQUESTS).exists()]
    if LAYERS in wanted:
        return {}, compared
    for stage in named:
        if stage not in declared:
            pattern = f"tests/bench_{stage.number:02}_*.py"
            raise click.UsageError(f"{stage.name} has no {pattern}: nothing to measure")
    return declared, [] if named else compared


def declarations(stage: Stage) -> list[Path]:
    """The file in which a stage says what to measure of its layer, if it has one."""
    return sorted(stage.path.glob(f"tests/bench_{stage.number:02}_*.py"))


def fill(site: Site, posts: int) -> Site:
    """Give a stage a log of its own, and a database with so many posts if it has one."""
    site.log.write_text("")
    site.env["PYTHONPATH"] = str(ROOT)
    if site.stage.needs_postgres:
        with Console(stderr=True).status(f"{site.stage.name}: {posts:,} posts"):
            site.fill(posts)
    return site


@contextmanager
def alone() -> Iterator[None]:
    """Refuse to measure beside another bench."""
    FOLDER.mkdir(exist_ok=True)
    lock = lock_free(FOLDER / "lock", create=True)
    if lock is None:
        raise click.ClickException("another ./stage bench is at work; wait until it has ended")
    with lock:
        yield


def reports(
    single: dict[Stage, Path], compared: list[Site], sites: dict[Stage, Site], load: dict[str, Any]
) -> Iterator[Report]:
    """Measure the layers one by one, then what each costs."""
    for stage, path in single.items():
        yield measure(sites[stage], path, load)
    if compared:
        yield compare(compared, load)


def measure(site: Site, path: Path, load: dict[str, Any]) -> Figures:
    """What a stage declares of its own layer."""
    console = Console(stderr=True)
    with console.status(f"{site.stage.name}: {path.name}, in the database"):
        findings = site.findings(path)
    with site.service(findings["application"]) as service:
        job = load | {"requests": [r | {"port": service.port} for r in findings["requests"]]}
        with console.status(f"{site.stage.name}: {path.name}, {duration(job)}"):
            tallies = site.load(job)
    return Figures(name_of(path), job, tallies, findings)


def compare(sites: list[Site], load: dict[str, Any]) -> Prices:
    """The same requests to several stages, each with a server of its own, all at the same time."""
    findings = [site.findings(site.stage.path / REQUESTS) for site in sites]
    with ExitStack() as stack:
        services = [
            stack.enter_context(site.service(found["application"]))
            for site, found in zip(sites, findings, strict=True)
        ]
        # Stage by stage within a request, so that what is compared is measured side by side.
        requests = [
            request | {"port": service.port}
            for same in zip(*(found["requests"] for found in findings), strict=True)
            for request, service in zip(same, services, strict=True)
        ]
        job = load | {"requests": requests}
        with Console(stderr=True).status(f"{len(sites)} stages: {duration(job)}"):
            tallies = sites[-1].load(job)
        memory = [service.memory() for service in services]
    return Prices(LAYERS, job, tallies, [site.stage for site in sites], findings, memory)


def duration(job: dict[str, Any]) -> str:
    """How long a job takes, with its round to warm up."""
    return f"{1.05 * job['seconds'] * len(job['requests']):.0f} s of requests"
