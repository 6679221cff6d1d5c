"""The command line. Commands load lazily, so that ``./stage --help`` stays quick."""

import re
import sys
from importlib import import_module

import click

# name: (module, one line of help). A command is the attribute of its own name in its module.
COMMANDS = {
    "run": ("stages.run", "Run stages on real servers until Ctrl-C."),
    "test": ("stages.testing", "Test stages, each in its own process, on real servers."),
    "diff": ("stages.diff", "Show what one stage adds to another."),
    "prove": ("stages.proving", "Show that a layer's proofs fail without it and hold with it."),
    "carry": ("stages.carry", "Carry a fix in one stage into all later ones."),
    "check": ("stages.check", "Check everything that needs no server."),
    "bench": ("stages.bench", "Measure stages at a hundred thousand posts."),
    "docs": ("stages.docs", "Serve the notes and the code as a site."),
    "manage": ("stages.run", "Run a stage's manage.py in its environment."),
    "lock": ("stages.lock", "Write the lock of all packages anew."),
}


# What click says of a command line that it cannot read; our own words have the way out in them.
LOST = re.compile("Missing|No such")


class LazyGroup(click.Group):
    """A group that imports the module of a command only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in reading order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; ``None`` when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """One backend in seven stages: run, test, read and maintain them.

    Without a command: the table of stages. A stage is named by its number (2) or folder.
    """
    if ctx.invoked_subcommand is None:
        from stages.overview import show_stages

        show_stages()


def main() -> None:
    """Run the command line; what a user did wrong is one line, never a traceback."""
    try:
        sys.exit(cli.main(prog_name="./stage", standalone_mode=False) or 0)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        usage = ""
        if isinstance(error, click.UsageError) and error.ctx and LOST.match(error.format_message()):
            usage = f" {error.ctx.get_usage()}; more: ./stage --help"
        click.secho(f"stage: {error.format_message()}{usage}", fg="red", err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except PermissionError as error:
        sys.exit(f"stage: no permission for {error.filename}; run ./stage as the folder's owner")
