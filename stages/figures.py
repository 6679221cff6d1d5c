"""The figures of ``./stage bench``: tables for the terminal and for docs/benchmarks.md."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from stages.layout import ROOT

DOCUMENT = ROOT / "docs" / "benchmarks.md"
CAPTION = (
    "{posts:,} posts; {connections} keep-alive connections; each request for {seconds:g} s, in"
    " turns with the others. The service runs on granian with one worker and one thread, so that"
    " nothing overlaps: a cost is the time of one request from end to end, with the line that it"
    " logs. {cores} cores for the service, PostgreSQL and the load generator, which took at most"
    " {busy:.0%} of one."
)


@dataclass(frozen=True)
class Section:
    """A table with its heading; all cells are text."""

    heading: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def numeric(self, column: int) -> bool:
        """Whether a column holds nothing but numbers."""
        return all(re.fullmatch(r"[\d.,]+×?", row[column]) for row in self.rows)

    def table(self) -> Table:
        """For the terminal."""
        table = Table(*self.columns, box=None)
        for number, column in enumerate(table.columns):
            column.justify = "right" if self.numeric(number) else "left"
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """For the document."""
        ruler = ["---:" if self.numeric(n) else "---" for n in range(len(self.columns))]
        lines = ["| " + " | ".join(row) + " |" for row in (self.columns, ruler, *self.rows)]
        return "\n".join([f"**{self.heading}**", "", *lines])


@dataclass(frozen=True)
class Report:
    """Tables, and how their figures were measured; ``name`` is that of their place in the page."""

    name: str
    job: dict[str, Any]
    tallies: list[dict[str, Any]]

    def show(self) -> bool:
        """Print everything; whether all figures hold."""
        console = Console(highlight=False, markup=False)
        console.rule(self.name, align="left")
        console.print(self.caption())
        sections = self.sections()
        for section in sections:
            console.print(f"\n{section.heading}", style="bold")
            console.print(section.table())
        broken = sum("✗" in cell for section in sections for row in section.rows for cell in row)
        console.print(f"\n{broken} out of bounds\n", style="bold red" if broken else "bold green")
        return not broken

    def write(self) -> None:
        """Put everything into the document, at its place."""
        sections = "\n\n".join(section.markdown() for section in self.sections())
        start, end = marks(self.name)
        before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(start)
        after = rest.partition(end)[2]
        text = f"{before}{start}\n{self.caption()}\n\n{sections}\n{end}{after}"
        DOCUMENT.write_text(text, encoding="utf-8")

    def caption(self) -> str:
        """How it was measured, without a word on whose machine."""
        busy = max(tally["busy"] for tally in self.tallies)
        return CAPTION.format(cores=os.cpu_count(), busy=busy, **self.job)

    def sections(self) -> list[Section]:
        """The tables."""
        raise NotImplementedError


@dataclass(frozen=True)
class Figures(Report):
    """What was measured of one declaration: ``findings`` in the database, ``tallies`` by HTTP."""

    findings: dict[str, Any]

    def sections(self) -> list[Section]:
        """The tables; one of which nothing was declared is left out."""
        ratios = ("request", "cost", "", "requests/s", "p50 ms", "p99 ms")
        times = ("queries", "p50 ms", "p95 ms", "", "plans by index")
        instead = ("instead of", "ms", "this", "ms", "saves")
        several = [
            Section("Requests; the cost of the first is 1", ratios, list(self.requests())),
            Section("Queries", ("requests", "each", ""), list(self.counts())),
            Section("Time in PostgreSQL, planning included", times, list(self.timings())),
            Section("What the other way costs in PostgreSQL", instead, list(self.comparisons())),
        ]
        return [section for section in several if section.rows]

    def requests(self) -> Iterator[tuple[str, ...]]:
        """One row a request. Ratios come first: they travel, absolute figures do not."""
        for request, tally in zip(self.job["requests"], self.tallies, strict=True):
            cost = self.tallies[0]["rate"] / tally["rate"]
            verdict = sign(cost, request["at_most"], request["at_least"])
            pace = f"{tally['rate']:,.0f}", f"{tally['p50']:.1f}", f"{tally['p99']:.1f}"
            yield request["name"], f"{cost:.2f}", verdict, *pace

    def counts(self) -> Iterator[tuple[str, ...]]:
        """One row for paths that must take the same number of queries."""
        for case in self.findings["counts"]:
            numbers = sorted(set(case["queries"]))
            most = numbers[-1] if len(numbers) == 1 else float("inf")
            yield case["name"], ", ".join(map(str, numbers)), sign(most, case["at_most"])

    def timings(self) -> Iterator[tuple[str, ...]]:
        """One row for queries of one kind."""
        for case in self.findings["timings"]:
            ways = ", ".join(f"{name} {number}" for name, number in case["ways"].items())
            figures = f"{case['p50']:.2f}", f"{case['p95']:.2f}"
            yield case["name"], *figures, sign(case["p95"], case["at_most"]), ways

    def comparisons(self) -> Iterator[tuple[str, ...]]:
        """One row for two queries that serve one purpose."""
        for case in self.findings["comparisons"]:
            times = f"{case['ms']:.2f}", f"{case['other_ms']:.2f}"
            saved = f"{case['ms'] / case['other_ms']:,.0f}×"
            yield case["name"], times[0], case["other_name"], times[1], saved


def sign(value: float, at_most: float | None, at_least: float | None = None) -> str:
    """Whether a figure holds, and what it must hold."""
    bounds = [(at_least, "≥"), (at_most, "≤")]
    wanted = " ".join(f"{sign} {bound:g}" for bound, sign in bounds if bound is not None)
    holds = (at_least or 0) <= value <= (float("inf") if at_most is None else at_most)
    return f"{'✓' if holds else '✗'} {wanted}" if wanted else ""


def name_of(path: Path) -> str:
    """A declaration as everyone knows it, wherever the clone lies."""
    return path.relative_to(ROOT).as_posix()


def marks(name: str) -> tuple[str, str]:
    """The lines of the document between which the figures of this name stand."""
    return f"<!-- bench {name} -->", "<!-- /bench -->"


def require_place(names: Iterable[str]) -> None:
    """Refuse to measure what could not be written down afterwards."""
    text = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    for name in names:
        start, end = marks(name)
        if end not in text.partition(start)[2]:
            raise click.ClickException(
                f"docs/benchmarks.md has no place for the figures; add {start} and {end} to it"
            )
