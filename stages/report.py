"""A pytest plugin that writes down for ./stage what became of each test.

Loaded with ``-p stages.report`` in the process of a stage, so it imports nothing but pytest.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

REPORT = "STRATA_REPORT"  # The environment variable that names the file to write.

_tests: dict[str, dict[str, Any]] = {}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Note which claim a test makes."""
    claims = {
        mark.name: mark.kwargs for mark in item.iter_markers() if mark.name in ("proof", "guard")
    }
    _tests[item.nodeid] = {"outcome": "", "phase": "", "message": "", "claims": claims}


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Forget a test that was not asked for."""
    for item in items:
        _tests.pop(item.nodeid, None)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A file that cannot be imported fails as if it were a test."""
    if report.failed:
        message = report.longreprtext.strip().rsplit("\n", 1)[-1]
        _tests[report.nodeid] = {
            "outcome": "failed",
            "phase": "collection",
            "message": message,
            "claims": {},
        }


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the first failure of a test, whatever its phase; else that it was skipped or passed."""
    test = _tests.setdefault(report.nodeid, {"outcome": "", "claims": {}})
    settled = test["outcome"] == "failed" or (report.passed and report.when != "call")
    if not settled:
        message = _message(report)
        test |= {"outcome": report.outcome, "phase": report.when, "message": message}


def _message(report: pytest.TestReport) -> str:
    """What the failed assertion or the exception says, without traceback and source."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message if crash else report.longreprtext.strip()


def pytest_sessionfinish() -> None:
    """Write the file."""
    Path(os.environ[REPORT]).write_text(json.dumps(_tests), encoding="utf-8")
