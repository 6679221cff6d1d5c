"""``./stage docs``: the notes as a site, and what the code puts into them."""

import subprocess
import sys
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from rich.console import Console

from stages import pictures, roadmap
from stages.check_notes import layers, notes
from stages.faults import Ground
from stages.layout import ROOT, STATE, Stage, pyproject, stages
from stages.notes import Layer, Note, load_note, note_files
from stages.ports import require_free
from stages.proving import transcript
from stages.transcripts import outputs, shown
from stages.trees import take_snapshot
from stages.volatile import same_but_figures

SITE = STATE / "site"
README = ROOT / "README.md"
MARK = ".strata-site"  # A file in each folder that we have written, and may write over.


@click.command()
@click.option("--write", is_flag=True, help="Fill the blocks of all notes from the code.")
@click.option("--run", "with_runs", is_flag=True, help="With --write: also what needs servers.")
@click.option(
    "--build",
    "folder",
    is_flag=False,
    flag_value=SITE,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="[DIR]",
    help="Write the site into a folder.",
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def docs(write: bool, with_runs: bool, folder: Path | None, port: int) -> None:
    """Serve the notes and the code of all stages as a site, which needs no network.

    It is built once, from the files as they are; after a change, run it again.

    --build writes the site, by default into .strata/site; --write fills the blocks of the notes
    from the code, and what is written by hand stays.
    """
    if with_runs and not write:
        raise click.UsageError("--run goes with --write: ./stage docs --write --run")
    if write:
        fill(with_runs)
    elif folder:
        build_into(folder)
        click.echo(f"the site is in {folder}: open {folder / 'index.html'}")
    else:
        serve(port)


def fill(with_runs: bool) -> None:
    """Fill the blocks of all notes; raises ClickException where faults are left."""
    with take_snapshot(ROOT, stages()) as snapshot:
        ground = Ground(ROOT, stages(), snapshot, pyproject()["tool"]["strata"])
        for layer in layers(ground):
            for file in note_files(layer.stage):
                refresh(layer, file, with_runs)
        for path, text in (*pictures.documents(ground), *roadmap.documents(ground)):
            replace_text(ROOT / path, text)
        if with_runs:
            from stages import trace

            if README.exists():
                printed = outputs(load_note(README))
                replace_text(README, str(shown(load_note(README), printed)))
            if trace.PAGE.exists():
                replace_text(trace.PAGE, trace.refreshed())
        found = list(notes(ground))
    for fault in found:
        click.echo(f"{fault.where}: {fault.what}; {fault.mend}")
    if found:
        raise click.ClickException(f"faults left in the notes: {len(found)}")


def build_into(folder: Path) -> None:
    """Write the site into a folder that is new, empty or written by us."""
    from stages.website.build import build

    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise click.ClickException(f"{folder} has files that are not ours: name a new folder")
    with take_snapshot(ROOT, stages()) as snapshot:
        build(Ground(ROOT, stages(), snapshot, pyproject()["tool"]["strata"]), folder)
    (folder / MARK).touch()


class Handler(SimpleHTTPRequestHandler):
    """Serves files without a line for each, and lets no browser keep an old site."""

    def end_headers(self) -> None:
        """Have the browser ask again each time."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base names it so
        """Say nothing."""


def serve(port: int) -> None:
    """Build the site and serve it on this machine alone until Ctrl-C."""
    require_free(port)
    SITE.parent.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="docs-", dir=SITE.parent) as name:
        with Console(stderr=True).status("making the site"):
            build_into(Path(name) / "site")
        handler = partial(Handler, directory=f"{name}/site")
        with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
            click.echo(f"http://localhost:{port}/    (Ctrl-C stops it)")
            click.echo("It shows the files as they were just now; after a change, run it again.")
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                click.echo("\nstopped")


def refresh(layer: Layer, file: Path, with_runs: bool) -> None:
    """Fill one note."""
    note = load_note(file)
    if with_runs:
        proofs = [block for block in note.blocks if block.kind == "proof"]
        proved = prove(layer.stage) if proofs else ""
        printed = outputs(note)
        # Read again: while all this ran, somebody may have written on.
        note = show_proofs(shown(load_note(file), printed), proved)
    replace_text(file, str(layer.fill(note)))


def replace_text(file: Path, text: str) -> None:
    """Write a document where it has changed, and say so."""
    if not file.exists() or text != file.read_text(encoding="utf-8"):
        file.write_text(text, encoding="utf-8")
        click.echo(f"{file.relative_to(ROOT)}: filled")


def prove(stage: Stage) -> str:
    """What the note of a stage has to show of its proofs."""
    command = [sys.executable, "-m", "stages", "prove", str(stage.number), "--no-note"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode:
        raise click.ClickException(f"a proof of {stage.name} fails: ./stage prove {stage.number}")
    return transcript(stage, done.stdout)


def show_proofs(note: Note, proved: str) -> Note:
    """The note with what its proofs have printed, where more than figures has changed."""
    blocks = list(note.blocks)
    for at, block in enumerate(blocks):
        if block.kind == "proof" and not same_but_figures(proved, block.filled):
            blocks[at] = replace(block, filled=proved)
    return replace(note, blocks=tuple(blocks))
