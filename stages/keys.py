"""The secret keys of this clone, which its stages sign with: made once and kept."""

import contextlib
import json
import os
import secrets
import tempfile
from pathlib import Path

from stages.layout import STATE, Stage

NAMES = ("SECRET_KEY", "JWT_SIGNING_KEY")
FILE = STATE / "keys.json"


def secret_keys(stage: Stage) -> dict[str, str]:
    """The keys that a stage needs, by the variables that name them; the environment wins."""
    if not stage.needs_keys:
        return {}
    if not FILE.exists():
        _make()
    made: dict[str, str] = json.loads(FILE.read_text())
    return {name: os.environ.get(name, made[name]) for name in NAMES}


def _make() -> None:
    """Make the file whole and for our eyes only; of two calls at once, the first one's stays."""
    STATE.mkdir(exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=STATE)
    with os.fdopen(handle, "w") as file:
        json.dump({name: secrets.token_urlsafe(48) for name in NAMES}, file)
    with contextlib.suppress(FileExistsError):
        os.link(draft, FILE)
    Path(draft).unlink()
