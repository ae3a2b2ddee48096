"""Names that others need without the rest of this package."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "gbt32960/"
"""How the topics of runs with vehicles' messages begin; the edition follows."""
TOPICS: Final = {2016: f"{PREFIX}2016", 2025: f"{PREFIX}2025"}
DIALECT: Final = "gbt32960"
"""Of devices below a platform."""
DOWN: Final = f"{PREFIX}down"
"""Where a terminal that is connected takes commands."""
ANSWER: Final = f"{PREFIX}answer/"
"""How the topics of terminals' answers to commands begin; the command's number follows."""
MODEL_NAME: Final = "Electric vehicle GB/T 32960"
"""Of the ready thing model."""
