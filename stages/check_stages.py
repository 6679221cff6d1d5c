"""Checks of the stages and of the steps between them."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch

from stages import keys
from stages.faults import Fault, Ground
from stages.layout import Stage
from stages.overview import growth, size
from stages.tidy import layout_only

OWN_NUMBER = re.compile(r"stage[ _-]?0?\d", re.IGNORECASE)
# Names that Django makes up for migrations that nobody named.
UNNAMED = re.compile(r"(?:^|/)\d{4}_(?:auto|.*_and_more)")
# `makemigrations --check` wants a server for the history of applied migrations, which is no
# matter here: the models are compared with the migrations alone.
MISSING_MIGRATIONS = """
import django
django.setup()
from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
loader = MigrationLoader(None)
states = loader.project_state(), ProjectState.from_apps(apps)
print(*MigrationAutodetector(*states).changes(graph=loader.graph))
"""


def touch_rules(ground: Ground) -> Iterator[Fault]:
    """A step changes no file that it must leave byte-identical."""
    for old, new in ground.steps:
        patterns = [*ground.rules["identical"], *ground.rule(new).get("identical", [])]
        before, after = ground.files[old], ground.files[new]
        for path in sorted(before | after):
            pattern = next((pattern for pattern in patterns if fnmatch(path, pattern)), None)
            if pattern is None or before.get(path) == after.get(path):
                continue
            if path not in before and not pattern.endswith("/*"):
                continue
            what = "differs from" if path in after else "is gone from"
            if path not in before:
                what = "is new to"
            mend = f"{pattern} stays as it is: ./stage diff {old.number} {new.number} {path}"
            yield Fault(f"{new.name}/{path}", f"{what} {old.name}", mend)


def formatting(ground: Ground) -> Iterator[Fault]:
    """No hunk between two stages changes only the layout."""
    for old, new in ground.steps:
        for file in ground.diffs[new]:
            if file.status not in ("changed", "renamed") or file.binary:
                continue
            before = ground.texts[f"{old.name}/{file.change.old_path}"]
            after = ground.texts[f"{new.name}/{file.path}"]
            for line in layout_only(file.path, before, after, [hunk.patch for hunk in file.hunks]):
                where = f"{new.name}/{file.path}:{line}"
                yield Fault(where, "changes only the layout", f"lay it out as in {old.name}")


def renames(ground: Ground) -> Iterator[Fault]:
    """No file is renamed or moved between two stages."""
    for old, new in ground.steps:
        for file in ground.diffs[new]:
            if file.status == "renamed":
                was = file.change.old_path
                yield Fault(
                    f"{new.name}/{file.path}", f"is {was} of {old.name}, moved", f"keep it at {was}"
                )


def names(ground: Ground) -> Iterator[Fault]:
    """All stages have the same names at their top, and code does not tell which stage it is in."""
    expected = set(ground.rules["layout"])
    for stage in ground.stages:
        expected |= set(ground.rule(stage).get("adds", []))
        found = {path.partition("/")[0] for path in ground.files[stage]}
        for name in sorted(expected - found):
            yield Fault(f"{stage.name}/{name}", "is missing", "every stage has it: add it")
        for name in sorted(found - expected):
            mend = f"move it, or add it to tool.strata.steps.{stage.number:02}.adds"
            yield Fault(f"{stage.name}/{name}", "is a name that no stage before has", mend)
        for path in ground.files[stage]:
            if path == "Procfile" or path.endswith(".py"):
                text = ground.texts.get(f"{stage.name}/{path}", "")
                for number, line in enumerate(text.split("\n"), 1):
                    if found_name := OWN_NUMBER.search(line):
                        where = f"{stage.name}/{path}:{number}"
                        yield Fault(where, f"says {found_name[0]!r}", "only a README names stages")


def migrations(ground: Ground) -> Iterator[Fault]:
    """The migrations make the models as they are, and somebody has named each."""
    stages = [stage for stage in ground.stages if stage.needs_postgres]
    for stage in stages:
        for path in ground.files[stage]:
            if "/migrations/" in path and UNNAMED.search(path):
                yield Fault(f"{stage.name}/{path}", "has a made-up name", "name what it does")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for faults in pool.map(_missing_migrations, stages):
            yield from faults


def _missing_migrations(stage: Stage) -> list[Fault]:
    env = os.environ | {
        "DATABASE_URL": "postgres://nobody@localhost:1/nothing",
        "REDIS_URL": "redis://localhost:1",
        **dict.fromkeys(keys.NAMES, "x" * 64),
        "DEBUG": "true",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-c", MISSING_MIGRATIONS]
    done = subprocess.run(
        command, cwd=stage.path, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").split("\n")[-1]
        return [
            Fault(stage.name, f"does not start: {reason}", f"./stage manage {stage.number} check")
        ]
    mend = f"./stage manage {stage.number} makemigrations --name what_it_does"
    return [
        Fault(f"{stage.name}/{app}", "has models without a migration", mend)
        for app in done.stdout.split()
    ]


def sizes(ground: Ground) -> Iterator[Fault]:
    """Files, functions and layers are small enough to be read at a sitting."""
    limits = ground.rules["limits"]
    broken = False
    for path, text in ground.texts.items():
        if not re.match(r"stage(s|\d\d_\w+)/.*\.py$", path) or "/migrations/" in path:
            continue
        if (count := text.count("\n")) > limits["file"]:
            yield Fault(path, f"has {count} lines, more than {limits['file']}", "split it")
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            broken = True
            yield Fault(f"{path}:{error.lineno}", f"is not Python ({error.msg})", "mend it")
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > limits["function"]:
                    what = f"{node.name} has {count} lines, more than {limits['function']}"
                    yield Fault(f"{path}:{node.lineno}", what, "split it")
    if not broken:
        yield from _layer_sizes(ground, limits)


def _layer_sizes(ground: Ground, limits: dict[str, int]) -> Iterator[Fault]:
    befores = (None, *ground.stages)
    for before, stage in zip(befores, ground.stages, strict=False):
        limit = limits["layer" if before else "first"]
        count = growth(before, stage)[0] if before else size(stage)
        if count > limit:
            what = f"adds {count} lines of code, more than {limit}"
            yield Fault(stage.name, what, "leave out what the layer can do without")
