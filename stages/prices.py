"""What each layer costs: the same requests to every stage, in one run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stages.figures import DOCUMENT, Report, Section, sign
from stages.layout import Stage, pyproject
from stages.plot import bars

LAYERS = "layers"
CHART = DOCUMENT.with_name("layers.svg")
MEMORY = "Memory of the one worker"


@dataclass(frozen=True)
class Prices(Report):
    """What was measured of each request, stage by stage; ``memory`` in MiB, after the load."""

    stages: list[Stage]
    findings: list[dict[str, Any]]
    memory: list[float]

    def sections(self) -> list[Section]:
        """A table for each request, and one of the memory."""
        columns = ("stage", "cost of the layer", "", "queries", "requests/s", "p99 ms")
        requests = [
            Section(self.name_of(number), columns, list(self.rows(number)))
            for number in range(len(self.findings[0]["requests"]))
        ]
        sizes = [(s.name, f"{size:.0f}") for s, size in zip(self.stages, self.memory, strict=True)]
        return [*requests, Section(MEMORY, ("stage", "MiB"), sizes)]

    def write(self) -> None:
        """Put the tables into the document, and the chart beside it."""
        super().write()
        numbers = range(len(self.findings[0]["requests"]))
        groups = {self.name_of(number): self.measures(number) for number in numbers}
        groups[MEMORY] = {"MiB": self.memory}
        chart = bars("What each layer costs", [stage.name for stage in self.stages], groups)
        CHART.write_text(chart, encoding="utf-8")

    def measures(self, number: int) -> dict[str, list[float]]:
        """The figures of a request, stage by stage."""
        tallies = self.of(number)
        return {
            "requests/s": [tally["rate"] for tally in tallies],
            "p99 ms": [tally["p99"] for tally in tallies],
            "queries": [max(queries(found, number), default=0) for found in self.findings],
        }

    def of(self, number: int) -> list[dict[str, Any]]:
        """The tallies of a request, stage by stage."""
        size = len(self.stages)
        return self.tallies[number * size : (number + 1) * size]

    def name_of(self, number: int) -> str:
        """The name of a request."""
        return str(self.findings[0]["requests"][number]["name"])

    def rows(self, number: int) -> Iterator[tuple[str, ...]]:
        """One row a stage; the cost is the time of a request as a multiple of the stage before."""
        tallies = self.of(number)
        before = tallies[0]
        for stage, found, tally in zip(self.stages, self.findings, tallies, strict=True):
            cost = before["rate"] / tally["rate"]
            asked = ", ".join(map(str, queries(found, number)))
            pace = f"{tally['rate']:,.0f}", f"{tally['p99']:.1f}"
            # The bound is one of reads that ask the database; a cached answer has its own.
            limit = None if asked == "0" else bound(stage)
            yield stage.name, f"{cost:.2f}", sign(cost, limit), asked, *pace
            before = tally


def queries(found: dict[str, Any], number: int) -> list[int]:
    """How many queries a request takes, where that is declared."""
    return found["counts"][number]["queries"] if found["counts"] else []


def bound(stage: Stage) -> float | None:
    """What the layer of a stage may cost at most, by pyproject.toml."""
    step: dict[str, float] = pyproject()["tool"]["strata"]["steps"].get(f"{stage.number:02}", {})
    return step.get("cost")
