"""Measures: what is done within seconds when something is wrong with identifiers that are out in the world.

Vocabulary: to *suspend* names is to let them resolve on no interface; to *redirect* them, to send everybody to another
address; to *announce*, to put a notice on top of what is shown. A measure holds for its *target*: one identifier, all
that begin in one way, or all of a prefix. It is *touched* what is registered there. To *lift* one is to end it before
its time.

Invariants: a record is never changed by a measure, so lifting restores exactly; a measure is in the log before it is
acknowledged, so every resolver and mirror has it; none reaches names that are held by somebody else; one that touches
all of a prefix, or very many, is taken only by who has said how many.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.measures.service import Measures

__getattr__ = exports(__name__)

__all__ = ["Measures"]
