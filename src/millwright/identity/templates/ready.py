"""Templates that come with the package: product, batch, device, document, organisation."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from msgspec import Struct

from millwright.identity.templates.model import TemplateDocument
from millwright.identity.templates.validation import parse

NAMES = ("product", "batch", "device", "document", "organisation")


class ReadyTemplate(Struct, frozen=True, kw_only=True):
    """A template to begin with; send its ``document`` to ``POST /identifier-templates``, changed or as it is."""

    key: str
    document: TemplateDocument


@cache
def _read(key: str) -> TemplateDocument:
    return parse(files(__package__).joinpath("ready_made", f"{key}.json").read_bytes())


def ready_templates() -> list[ReadyTemplate]:
    """All of them."""
    return [ReadyTemplate(key=key, document=_read(key)) for key in NAMES]
