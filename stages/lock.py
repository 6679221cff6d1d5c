"""The locks: every package with its hashes, for every platform, naming no index and no host."""

import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import click

from stages.layout import BROWSER_LOCK, CHECKOV_LOCK, LOCK, ROOT, pyproject, stages

HEADER = "# Written by ./stage lock; dependency groups sha256:"


def groups(lock: Path) -> dict[str, Any]:
    """The dependency groups of pyproject.toml that a lock holds."""
    found: dict[str, Any] = pyproject()["dependency-groups"]
    stage = next((stage for stage in stages() if stage.path == lock.parent), None)
    if stage:
        return {name: found[name] for name in found if "stage" < name <= f"stage{stage.number:02}"}
    apart = {each.stem for each in (BROWSER_LOCK, CHECKOV_LOCK)}
    names = {lock.stem} if lock.stem in apart else found.keys() - apart
    return {name: group for name, group in found.items() if name in names}


def all_locks() -> list[Path]:
    """The locks in stages/, and those of stages that are shipped, each in its folder."""
    own = [stage.path / LOCK.name for stage in stages()]
    return [LOCK, BROWSER_LOCK, CHECKOV_LOCK, *(lock for lock in own if lock.exists())]


def fingerprint(lock: Path) -> str:
    """A hash of the dependency groups that a lock was made from."""
    return hashlib.sha256(json.dumps(groups(lock), sort_keys=True).encode()).hexdigest()


def is_current(lock: Path) -> bool:
    """Whether a lock was made from the dependency groups as they are now. Needs no network."""
    if not lock.exists():
        return False
    first = lock.read_text(encoding="utf-8").split("\n", 1)[0]
    return first == HEADER + fingerprint(lock)


@click.command()
@click.option("--upgrade", is_flag=True, help="Take the newest versions, not the locked ones.")
def lock(upgrade: bool) -> None:
    """Write the locks anew from the dependency groups of pyproject.toml."""
    for path in all_locks():
        # What is in several is of one version in all that share an environment.
        alone = path in (LOCK, CHECKOV_LOCK)
        like = [] if alone else ["--constraints", str(LOCK.relative_to(ROOT))]
        write(path, upgrade, *like)


def write(lock: Path, upgrade: bool, *others: str) -> None:
    """Write one lock; raises ClickException."""
    from uv import find_uv_bin

    wanted = [f"--group={name}" for name in groups(lock)]
    options = ["--universal", "--generate-hashes", "--python-version=3.11", "--no-header", *others]
    # Nothing of this machine may enter the lock: no index, no local folder of wheels.
    private = ["--no-config", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / lock.name
        if lock.exists() and not upgrade:
            shutil.copyfile(lock, draft)  # uv keeps the versions that it finds there.
        command = [find_uv_bin(), "pip", "compile", *wanted, *options, *private]
        done = subprocess.run([*command, "--output-file", str(draft)], cwd=ROOT, check=False)
        if done.returncode:
            raise click.ClickException("uv could not resolve the dependency groups (see above)")
        text = draft.read_text(encoding="utf-8")
    lock.write_text(f"{HEADER}{fingerprint(lock)}\n{text}", encoding="utf-8")
    click.echo(f"wrote {lock.relative_to(ROOT)}")
