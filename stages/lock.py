"""The lock: every package with its hashes, for every platform, naming no index and no host."""

import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import click

from stages.layout import LOCK, ROOT, pyproject

HEADER = "# Written by ./stage lock; dependency groups sha256:"


def fingerprint() -> str:
    """A hash of the dependency groups in pyproject.toml: the lock was made from these."""
    groups = json.dumps(pyproject()["dependency-groups"], sort_keys=True)
    return hashlib.sha256(groups.encode()).hexdigest()


def is_current() -> bool:
    """Whether the lock was made from the dependency groups as they are now. Needs no network."""
    if not LOCK.exists():
        return False
    first = LOCK.read_text(encoding="utf-8").split("\n", 1)[0]
    return first == HEADER + fingerprint()


@click.command()
@click.option("--upgrade", is_flag=True, help="Take the newest versions, not the locked ones.")
def lock(upgrade: bool) -> None:
    """Write stages/requirements.lock anew from the dependency groups of pyproject.toml."""
    from uv import find_uv_bin

    groups = [f"--group={name}" for name in pyproject()["dependency-groups"]]
    options = ["--universal", "--generate-hashes", "--python-version=3.11", "--no-header"]
    # Nothing of this machine may enter the lock: no index, no local folder of wheels.
    private = ["--no-config", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / LOCK.name
        if LOCK.exists() and not upgrade:
            shutil.copyfile(LOCK, draft)  # uv keeps the versions that it finds there.
        command = [find_uv_bin(), "pip", "compile", *groups, *options, *private]
        done = subprocess.run([*command, "--output-file", str(draft)], cwd=ROOT, check=False)
        if done.returncode:
            raise click.ClickException("uv could not resolve the dependency groups (see above)")
        text = draft.read_text(encoding="utf-8")
    LOCK.write_text(f"{HEADER}{fingerprint()}\n{text}", encoding="utf-8")
    click.echo(f"wrote {LOCK.relative_to(ROOT)}")
