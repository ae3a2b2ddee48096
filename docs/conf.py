"""How the documentation is built: Sphinx with MyST (Markdown) and the Furo theme."""

from millwright import __version__

project = "Millwright"
author = "The Millwright authors"
release = version = __version__
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"Millwright {version}"
html_static_path: list[str] = []
exclude_patterns = ["_build", "**/README.md"]
nitpicky = True
