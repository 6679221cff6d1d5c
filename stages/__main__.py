"""``python -m stages``: what ./stage runs once the environment is there."""

from stages.cli import main

main()
