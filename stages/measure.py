"""What a stage's ``tests/bench_NN_*.py`` declares, and what of it is measured inside PostgreSQL.

The file has one function, ``bench() -> Bench``. ``./stage bench`` runs this module in the stage's
folder as ``python -m stages.measure FILE`` and reads the findings from its standard output.
"""

import json
import os
import runpy
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median, quantiles
from typing import Any

import django
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext

PASSES = 3


@dataclass(frozen=True)
class Request:
    """What clients ask again and again, a GET unless it has a body; answered with ``status``.

    ``body`` is JSON, and makes it a POST. ``at_most`` and ``at_least`` are bounds of its cost as a
    multiple of the first request in the list.
    """

    name: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    status: int = 200
    at_most: float | None = None
    at_least: float | None = None


@dataclass(frozen=True)
class Count:
    """Paths that must all take the same number of queries, and no more than ``at_most``."""

    name: str
    paths: Sequence[str]
    at_most: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Timing:
    """Queries of one kind; ``at_most`` milliseconds for all but the slowest twentieth."""

    name: str
    queries: Sequence[QuerySet[Any]]
    at_most: float | None = None


@dataclass(frozen=True)
class Comparison:
    """A query as it is often written, and another that serves the same purpose."""

    name: str
    query: QuerySet[Any]
    other_name: str
    other: QuerySet[Any]


@dataclass(frozen=True)
class Bench:
    """All that is worth measuring in a layer; ``application`` is the one that serves it."""

    requests: Sequence[Request]
    counts: Sequence[Count] = ()
    timings: Sequence[Timing] = ()
    comparisons: Sequence[Comparison] = ()
    application: str = "config.wsgi:application"


def counted(case: Count) -> dict[str, Any]:
    """How many queries each path takes."""
    client, numbers = Client(headers={"host": "localhost"} | case.headers), []
    for path in case.paths:
        with CaptureQueriesContext(connection) as queries:
            status = client.get(path).status_code
        if status != 200:
            sys.exit(f"{path} was answered with {status} when its queries were counted")
        numbers.append(len(queries))
    return asdict(case) | {"queries": numbers}


def timed(case: Timing) -> dict[str, Any]:
    """Milliseconds that half and 95 % of the queries stay under, and the indexes they went by."""
    passes = [[explain(query) for query in case.queries] for _ in range(PASSES)]
    each = [median(spent(plan) for plan in plans) for plans in zip(*passes, strict=True)]
    cuts = quantiles(each, n=20, method="inclusive")
    ways = Counter("+".join(indexes(plan["Plan"])) or "none" for plan in passes[-1])
    return {
        "name": case.name,
        "at_most": case.at_most,
        "p50": cuts[9],
        "p95": cuts[18],
        "ways": dict(ways.most_common()),
    }


def compared(case: Comparison) -> dict[str, Any]:
    """Milliseconds of both queries, taken in turns."""
    pairs = [(spent(explain(case.query)), spent(explain(case.other))) for _ in range(PASSES)]
    first, other = (median(column) for column in zip(*pairs, strict=True))
    return {"name": case.name, "ms": first, "other_name": case.other_name, "other_ms": other}


def explain(query: QuerySet[Any]) -> dict[str, Any]:
    """Run a query and give its plan. The rows are made ready to send, as for any client."""
    text = query.explain(format="json", analyze=True, timing=False, serialize="text")
    plan: dict[str, Any] = json.loads(text)[0]
    return plan


def spent(plan: dict[str, Any]) -> float:
    """Milliseconds; a request plans each of its queries anew, so that counts too."""
    return float(plan["Planning Time"] + plan["Execution Time"])


def indexes(node: dict[str, Any]) -> Iterator[str]:
    """The indexes by which a plan finds its rows, without those of subqueries on each row."""
    if "Index Name" in node:
        yield node["Index Name"]
    for child in node.get("Plans", []):
        if child["Parent Relationship"] != "SubPlan":
            yield from indexes(child)


def main() -> None:
    """Measure what the file declares, and print the findings with its requests as JSON."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # Some comparisons show what no request would be given the time for.
            cursor.execute("SET statement_timeout = 0")
    bench: Bench = runpy.run_path(sys.argv[1])["bench"]()
    findings = {
        "application": bench.application,
        "requests": [asdict(case) for case in bench.requests],
        "counts": [counted(case) for case in bench.counts],
        "timings": [timed(case) for case in bench.timings],
        "comparisons": [compared(case) for case in bench.comparisons],
    }
    json.dump(findings, sys.stdout)


if __name__ == "__main__":
    main()
