"""``./stage docs``: what the code puts into the notes."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click

from stages.check_notes import layers, notes
from stages.faults import Ground
from stages.layout import ROOT, Stage, pyproject, stages
from stages.notes import Layer, Note, fenced, load_note, note_files
from stages.trees import take_snapshot


@click.command()
@click.option("--write", is_flag=True, help="Fill the blocks of all notes from the code.")
@click.option("--run", "with_runs", is_flag=True, help="Also those that need servers.")
def docs(write: bool, with_runs: bool) -> None:
    """Fill the blocks of the notes in docs/ from the code; what is written by hand stays."""
    if not write:
        raise click.UsageError("say what to do with the notes: ./stage docs --write fills them")
    with take_snapshot(ROOT, stages()) as snapshot:
        ground = Ground(ROOT, stages(), snapshot, pyproject()["tool"]["strata"])
        for layer in layers(ground):
            for file in note_files(layer.stage):
                refresh(layer, file, with_runs)
        found = list(notes(ground))
    for fault in found:
        click.echo(f"{fault.where}: {fault.what}; {fault.mend}")
    if found:
        raise click.ClickException(f"faults left in the notes: {len(found)}")


def refresh(layer: Layer, file: Path, with_runs: bool) -> None:
    """Fill one note."""
    proofs = [block for block in load_note(file).blocks if block.kind == "proof"]
    printed = prove(layer.stage) if with_runs and proofs else ""
    # Read only now: while the proofs ran, somebody may have written on.
    text = str(layer.fill(show_proofs(load_note(file), printed)))
    if text != file.read_text(encoding="utf-8"):
        file.write_text(text, encoding="utf-8")
        click.echo(f"{file.relative_to(ROOT)}: filled")


def prove(stage: Stage) -> str:
    """What ``./stage prove`` prints, below the command."""
    command = [sys.executable, "-m", "stages", "prove", str(stage.number)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode:
        raise click.ClickException(f"a proof of {stage.name} fails: ./stage prove {stage.number}")
    return f"$ ./stage prove {stage.number}\n{done.stdout.rstrip()}"


def show_proofs(note: Note, printed: str) -> Note:
    """The note with what its proofs have printed, where more than figures has changed.

    How many of fifty racers lose is another number in every run, and any will do.
    """
    blocks = list(note.blocks)
    for at, block in enumerate(blocks):
        new = fenced("text", printed)
        if block.kind == "proof" and printed and masked(new) != masked(block.filled):
            blocks[at] = replace(block, filled=new)
    return replace(note, blocks=tuple(blocks))


def masked(text: str) -> str:
    """A text without its figures."""
    return re.sub(r"\d+", "0", text)
