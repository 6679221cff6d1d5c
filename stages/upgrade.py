"""``./stage test upgrade``: one database, filled by each stage and taken on to the next."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from stages import databases
from stages.layout import stages
from stages.processes import serialised, shielded
from stages.run import environment
from stages.servers import servers
from stages.testing import Sessions, pytest_session

TESTS = "tests/upgrade.py"
SEEN = "UPGRADE_SEEN"  # The variable that names the file in which a stage leaves what it saw.


def upgrade(mark: str, args: Sequence[str]) -> Sessions:
    """Run the upgrade tests of all stages in turn on one database, until one of them fails."""
    several = [stage for stage in stages() if stage.needs_postgres]
    for stage in several:
        if not (stage.path / TESTS).exists():
            raise click.ClickException(f"{stage.name} has no {TESTS}: its rows would not be tested")
    sessions: Sessions = {}
    if not several:
        return sessions
    name = f"test_{several[0].name}_{mark}"  # A name by which a killed run's database is found.
    with servers(several, mark, passing=True) as variables, TemporaryDirectory() as folder:
        server = variables[several[0]]["DATABASE_URL"]
        with serialised():
            url = databases.make(server, name)
        try:
            for stage in several:
                click.secho(f"\n{stage.name}: upgrade", bold=True)
                variables[stage]["DATABASE_URL"] = url
                env = environment(stage, mark, variables) | {SEEN: str(Path(folder, "seen.json"))}
                session = pytest_session(stage.path, env, [TESTS, *args])
                sessions[f"{stage.name}: upgrade"] = session
                if session.code:
                    break
        finally:
            with shielded():
                databases.drop(server, name)
    return sessions
