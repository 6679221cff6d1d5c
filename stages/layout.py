"""Where things are: the stages, their layers, ports and packages."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".strata"
LOCK = ROOT / "stages" / "requirements.lock"
# Apart, for it weighs half as much as all else, and only the tests of the site need it.
BROWSER_LOCK = ROOT / "stages" / "browser.lock"
# For an environment of its own: it wants other versions of what all else needs.
CHECKOV_LOCK = ROOT / "stages" / "checkov.lock"
LAYERS = {1: "HTTP", 2: "SQL", 3: "REST", 4: "Auth", 5: "Cache", 6: "Jobs", 7: "Deploy"}
FIRST_WITH_POSTGRES = 2
FIRST_WITH_KEYS = 4
FIRST_WITH_VALKEY = 5


@dataclass(frozen=True, order=True)
class Stage:
    """One built stage: a folder ``stageNN_name`` at the top of the repository."""

    number: int
    path: Path

    @property
    def name(self) -> str:
        """The folder's name, ``stage02_db``."""
        return self.path.name

    @property
    def port(self) -> int:
        """The port on which ``./stage run`` serves it."""
        return 8000 + self.number

    @property
    def layer(self) -> str:
        """The layer it adds, from the first line of its README (``# Stage 02: SQL``)."""
        readme = self.path / "README.md"
        heading = readme.read_text(encoding="utf-8").split("\n", 1)[0] if readme.exists() else ""
        return heading.partition(":")[2].strip() or LAYERS.get(self.number, self.name)

    @property
    def needs_postgres(self) -> bool:
        """Whether the stage keeps its data in PostgreSQL."""
        return self.number >= FIRST_WITH_POSTGRES

    @property
    def needs_valkey(self) -> bool:
        """Whether the stage keeps something in Redis or Valkey."""
        return self.number >= FIRST_WITH_VALKEY

    @property
    def needs_keys(self) -> bool:
        """Whether the stage signs something."""
        return self.number >= FIRST_WITH_KEYS


@cache
def stages() -> tuple[Stage, ...]:
    """All stages built so far, in order."""
    found = (
        Stage(int(match[1]), path)
        for path in ROOT.iterdir()
        if (match := re.fullmatch(r"stage(\d\d)_\w+", path.name)) and path.is_dir()
    )
    return tuple(sorted(found))


def find_stage(text: str) -> Stage:
    """The stage that ``2``, ``02``, ``stage02_db`` or ``stage02_db/`` names; raises UsageError."""
    wanted = text.rstrip("/")
    for stage in stages():
        if wanted == stage.name or (wanted.isdecimal() and int(wanted) == stage.number):
            return stage
    built = ", ".join(f"{stage.number} ({stage.name})" for stage in stages()) or "none yet"
    raise click.UsageError(f"there is no stage {text!r}; built so far: {built}")


class StageType(click.ParamType[Stage]):
    """The command-line argument that names a stage."""

    name = "stage"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Stage:
        """Turn what the user typed into a stage."""
        return value if isinstance(value, Stage) else find_stage(value)


STAGE = StageType()


@cache
def pyproject() -> dict[str, Any]:
    """The repository's pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def packages(number: int) -> list[str]:
    """The names of the packages that stage ``number`` adds: the own entries of its group."""
    group = pyproject()["dependency-groups"].get(f"stage{number:02}", [])
    return [re.split(r"[<>=!~; ]", entry)[0] for entry in group if isinstance(entry, str)]
