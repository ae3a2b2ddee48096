"""Which of several links of one type answers a request best (GS1-Conformant Resolver 1.2, 2.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from millwright.identity.digital_link.links import Link
from millwright.identity.resolution.http import preferences, weight_of_language, weight_of_media

Weights = list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request says about what it wants."""

    languages: Weights
    media: Weights
    contexts: tuple[str, ...]

    @classmethod
    def of(cls, accept_language: str, accept: str, contexts: Sequence[str]) -> Wish:
        """From headers and parameters; ``*/*`` alone wishes nothing."""
        media = [each for each in preferences(accept) if "/" in each[0]]
        if all(value == "*/*" for value, _ in media):
            media = []
        languages = [each for each in preferences(accept_language) if each[0] != "*"]
        return cls(languages, media, tuple(each.casefold() for each in contexts if each))

    def fit(self, link: Link) -> tuple[float, float, float]:
        """How well a link fits: context first, then language, then media type.

        What says nothing of itself fits better than what says something else, and worse than what says the right thing.
        """
        return self._context(link), self._language(link), self._media(link)

    def _context(self, link: Link) -> float:
        own = {each.casefold() for each in link.context}
        if not own:
            return 0.5
        return 1.0 if own.intersection(self.contexts) else 0.0

    def _language(self, link: Link) -> float:
        if not link.hreflang:
            return 0.05
        if not self.languages:
            return 0.0
        best = max(weight_of_language(each, self.languages) for each in link.hreflang)
        return best if best > 0 else 0.0

    def _media(self, link: Link) -> float:
        if not link.type:
            return 0.005
        if not self.media:
            return 0.0
        return weight_of_media(link.type, self.media)

    def matches(self, link: Link) -> bool:
        """Whether a link says the right thing in something and the wrong thing in nothing."""
        parts = (
            (link.context, self._context(link) == 1.0, bool(self.contexts)),
            (link.hreflang, self._language(link) > 0, bool(self.languages)),
            (link.type, self._media(link) > 0, bool(self.media)),
        )
        said = [right for own, right, _ in parts if own]
        asked = any(wished for own, _, wished in parts if own)
        return asked and bool(said) and all(right or not wished for (own, right, wished) in parts if own)


def choose(links: Sequence[Link], wish: Wish) -> list[Link]:
    """The link that fits best; several when nothing tells them apart."""
    scored = [(wish.fit(each), each) for each in links]
    best = max(score for score, _ in scored)
    found = [each for score, each in scored if score == best]
    # The same target twice is one.
    return list({each.href: each for each in found}.values())


def choose_matching(links: Sequence[Link], wish: Wish) -> list[Link]:
    """The same among those that say the right thing in something and the wrong thing in nothing."""
    matching = [each for each in links if wish.matches(each)]
    return choose(matching, wish) if matching else []
