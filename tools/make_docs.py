"""Makes the documentation: writes the generated reference pages, then builds the site with warnings as errors.

``python -m tools.make_docs`` does both; ``--pages`` only writes the pages, which takes a second.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tools.reference import (
    api_page,
    capacity_page,
    cli_page,
    connectors_page,
    errors_page,
    permissions_page,
    settings_page,
)

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SITE = ROOT / "site"

PAGES: dict[str, Callable[[], str]] = {
    "reference/settings.md": settings_page.text,
    "reference/errors.md": errors_page.text,
    "reference/cli.md": cli_page.text,
    "reference/api.md": api_page.text,
    "reference/connectors.md": connectors_page.text,
    "reference/permissions.md": permissions_page.text,
    "explanation/capacity.md": capacity_page.text,
}
"""Generated page → what writes it."""


def write_pages() -> list[str]:
    """Write every generated page; returns those that changed."""
    changed = []
    for name, make in PAGES.items():
        path = DOCS / name
        text = make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def build_site(site: Path = SITE) -> int:
    """Build HTML into ``site``; returns Sphinx's exit code."""
    from sphinx.cmd.build import build_main

    return int(build_main(["-q", "-W", "--keep-going", "-b", "html", str(DOCS), str(site)]))


def main(arguments: list[str] | None = None) -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_docs", description=__doc__.splitlines()[0])
    parser.add_argument("--pages", action="store_true", help="only write the generated pages")
    chosen = parser.parse_args(arguments)
    for name in write_pages():
        print(f"docs/{name} is written anew")
    if chosen.pages:
        return 0
    code = build_site()
    if code == 0:
        print(f"The documentation is in {SITE.relative_to(ROOT)}/index.html")
    return code


if __name__ == "__main__":
    sys.exit(main())
