"""Metadata templates: what is said of an identifier, in fields with types, in versions that never change.

Vocabulary: a *template* belongs to an organisation, and those below it may use it; a *version* is *published* and then
fixed, a *draft* is what will be the next. A *field* has a *number*, which gives the index of its handle value for ever,
and a *visibility*: public, granted or sealed.

Invariants: what is encoded and decoded again is the same; a number keeps its type through all versions; a sealed field
is never written in the clear.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.templates.coding import Sealing, decode, encode, read_cells, template_of
    from millwright.identity.templates.errors import FieldProblem
    from millwright.identity.templates.labels import FieldLabel, Labels, PublicLabels
    from millwright.identity.templates.model import Template, TemplateDocument, TemplateField, TemplateInfo
    from millwright.identity.templates.ready import ready_templates
    from millwright.identity.templates.service import Templates

__getattr__ = exports(__name__)

__all__ = [
    "FieldLabel",
    "FieldProblem",
    "Labels",
    "PublicLabels",
    "Sealing",
    "Template",
    "TemplateDocument",
    "TemplateField",
    "TemplateInfo",
    "Templates",
    "decode",
    "encode",
    "read_cells",
    "ready_templates",
    "template_of",
]
