"""``python -m stages``: what ./stage runs once the environment is there."""

import sys

try:
    from stages.cli import main
except ModuleNotFoundError as error:
    sys.exit(f"stage: .venv lacks {error.name}; delete the folder .venv and run ./stage again")

main()
