"""``python -m millwright``."""

from millwright.cli import main

main()
