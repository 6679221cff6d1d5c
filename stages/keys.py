"""The secrets of this clone: what its stages sign with, and a server's password."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from stages.layout import STATE, Stage

NAMES = ("SECRET_KEY", "JWT_SIGNING_KEY")
FOLDER = STATE / "keys"


def secret_keys(stage: Stage) -> dict[str, str]:
    """The keys that a stage needs, by the variables that name them; the environment wins."""
    names = NAMES if stage.needs_keys else ()
    return {name: os.environ.get(name) or kept_secret(name) for name in names}


def kept_secret(name: str) -> str:
    """A secret of 64 characters that is made once and kept for the owner's eyes only."""
    file = FOLDER / name
    if not file.exists():
        FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=FOLDER)
        with os.fdopen(handle, "w") as new:
            new.write(secrets.token_urlsafe(48))
        # Whole or not at all; of two calls at once, the first one's stays.
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        Path(draft).unlink()
    return file.read_text()
