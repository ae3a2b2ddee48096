"""Generated element strings and Digital Links, most of them right, some wrong in one place."""

from __future__ import annotations

import random
from urllib.parse import quote

from millwright.identity.codes.gs1.check_digits import ALPHABET_82, check_digit, check_pair
from millwright.identity.codes.gs1.lists import COUNTRIES, COUNTRY_LETTERS, CURRENCIES, MEDIA_TYPES, PACKAGE_TYPES
from millwright.identity.codes.gs1.table import ApplicationIdentifier, Component, table

ALPHABETS = {
    "N": "0123456789",
    "X": ALPHABET_82,
    "Y": "#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "Z": "ABCabcxyz0189-_",
}
_TOGETHER = (
    "01|01 21|01 10|01 22 10 21|00|8006|8006 21|414|414 254|415 8020|8017|8018|253|255|8003|8004|8010 8011|02 37 00"
    "|01 30|01 3102|402|01 235|8018 7259|00 4302|417|417 7040|8013|401|01 21 250|01 3103 3922|8018 8019|"
)
TOGETHER = _TOGETHER.split("|")
QUALIFIERS = ("22", "10", "21", "235", "254", "7040", "8020", "8011", "8019")
LISTED = {
    "iso3166": sorted(COUNTRIES),
    "iso3166999": [*sorted(COUNTRIES), "999"],
    "iso3166alpha2": sorted(COUNTRY_LETTERS),
    "iso4217": sorted(CURRENCIES),
    "mediatype": sorted(MEDIA_TYPES),
    "packagetype": sorted(PACKAGE_TYPES),
    "hyphen": ["-"],
    "zero": ["0"],
    "yesno": ["0", "1"],
    "winding": ["0", "1", "9"],
    "iso5218": ["0", "1", "2", "9"],
    "posinseqslash": ["1/2", "2/3", "3/3", "1/1"],
}
NEARLY = {"posinseqslash": ["3/2", "0/1", "a/b", "1/0"], "zero": ["1"], "yesno": ["2"], "winding": ["5"]}


class Samples:
    """An endless supply; the same seed gives the same."""

    def __init__(self, seed: int, *, wrong: float = 0.03) -> None:
        self.rng = random.Random(seed)
        self.wrong = wrong
        self.by_ai = table().by_ai

    def elements(self) -> list[tuple[str, str]]:
        """Identifiers that often stand together, with others, and their values."""
        ais = self.rng.choice(TOGETHER).split()
        extra = self.rng.choices(list(self.by_ai), k=self.rng.choice((0, 0, 1, 1, 1, 2, 3)))
        ais += extra
        if self.rng.random() < 0.3:
            self.rng.shuffle(ais)
        return [(ai, self.value(self.by_ai[ai])) for ai in ais or ["01"]]

    def value(self, entry: ApplicationIdentifier) -> str:
        found = ""
        for one in entry.components:
            if one.optional and self.rng.random() < 0.4:
                break
            found += self._component(one)
        return found

    def bracketed(self, elements: list[tuple[str, str]]) -> str:
        return "".join(f"({ai})" + value.replace("(", "\\(") for ai, value in elements)

    def transmitted(self, elements: list[tuple[str, str]]) -> str:
        text = "^" + "".join(
            ai + value + ("" if self.by_ai[ai].fixed and self.rng.random() < 0.9 else "^") for ai, value in elements
        )
        return text.rstrip("^") if self.rng.random() < 0.5 else text

    def link(self, elements: list[tuple[str, str]]) -> str:
        elements = list(elements)
        in_path = self.rng.randint(1, len(elements))
        if self.rng.random() < 0.8:
            key = next((at for at, (ai, _) in enumerate(elements) if self.by_ai[ai].key), None)
            if key is not None:
                first = elements.pop(key)
                elements.sort(key=lambda one: QUALIFIERS.index(one[0]) if one[0] in QUALIFIERS else 99)
                elements.insert(0, first)
                in_path = 1 + sum(ai in QUALIFIERS for ai, _ in elements[1:])
        stem = self.rng.choice(("https://id.gs1.org", "https://example.com/a/b", "http://x.y:80/01", "HTTPS://E.ORG"))
        path = "".join(f"/{ai}/{quote(value, safe='')}" for ai, value in elements[:in_path])
        query = "&".join(f"{ai}={quote(value, safe='')}" for ai, value in elements[in_path:])
        if self.rng.random() < 0.1:
            query += ("&" if query else "") + self.rng.choice(("linkType=x", "x", "a=b&c=d", "99=x", "123=4", "&&"))
        return stem + path + (f"?{query}" if query else "") + self.rng.choice(("", "", "", "#part"))

    def spoilt(self, text: str) -> str:
        """Mostly the same text; sometimes with one character changed, lost or more."""
        chance, at = self.rng.random(), self.rng.randrange(len(text))
        if chance < 0.88:
            return text
        if chance < 0.93:
            return text[:at] + self.rng.choice('0123456789AZaz!"#%^()/ -~$[]{|}\\') + text[at + 1 :]
        if chance < 0.96:
            return text[:at] + text[at + 1 :]
        return text[:at] + self.rng.choice("019A(%") + text[at:]

    def _component(self, one: Component) -> str:
        rng, good = self.rng, self.rng.random() > self.wrong
        length = rng.randint(one.least, one.most)
        if rng.random() < self.wrong:
            length = max(0, length + rng.choice((-1, 1)))
        text = "".join(rng.choice(ALPHABETS[one.charset]) for _ in range(length))
        for check in one.checks:
            text = self._made(check, text, good=good)
        if good and "csum" in one.checks and text[:-1].isdigit():
            text = text[:-1] + check_digit(text[:-1])
        if good and "csumalpha" in one.checks and 6 < len(text) <= 25:
            text = text[:-2] + check_pair(text[:-2])
        if "pcenc" in one.checks:
            text = text.replace("%", "%41" if good else "%4")[: one.most]
        return text

    def _made(self, check: str, text: str, *, good: bool) -> str:
        rng = self.rng
        if check in LISTED:
            return rng.choice(LISTED[check] if good else NEARLY.get(check, [text]))
        if check in ("yymmdd", "yymmd0", "yyyymmdd"):
            first_day = 0 if check == "yymmd0" else 1
            month, day = (rng.randrange(1, 13), rng.randrange(first_day, 29)) if good else self._odd_day()
            return ("19" if check == "yyyymmdd" else "") + f"{rng.randrange(100):02}{month:02}{day:02}"
        if check == "hhmi":
            return f"{rng.randrange(24 if good else 26):02}{rng.randrange(60 if good else 62):02}"
        if check in ("hh", "mi", "ss"):
            return f"{rng.randrange({'hh': 24}.get(check, 60) + (0 if good else 2)):02}"
        if check == "pieceoftotal":
            return f"{rng.randrange(1 if good else 0, 5):02}{rng.randrange(5 if good else 0, 9):02}"
        if check in ("latitude", "longitude"):
            limit = 1_800_000_000 if check == "latitude" else 3_600_000_000
            return f"{rng.randrange(limit + 1 if good else limit + 99_999_999):010}"
        if check == "iban" and good:
            return self._iban()
        if check in ("gcp", "gcp1") and good:
            at = 1 if check == "gcp1" else 0
            return (text[:at] + "9521234" + text[at + 7 :])[: max(len(text), at + 4)]
        if check == "couponcode":
            return self._coupon()[:70] if good else self._coupon()[:-1]
        if check == "couponposoffer":
            funder, serial = rng.randrange(7), rng.randrange(10)
            offer = f"{rng.choice('01')}{funder}{self._digits(funder + 12)}{serial}{self._digits(serial + 6)}"
            return offer if good else offer[:-1]
        return text

    def _odd_day(self) -> tuple[int, int]:
        return self.rng.randrange(14), self.rng.randrange(33)

    def _digits(self, count: int) -> str:
        return "".join(self.rng.choice("0123456789") for _ in range(count))

    def _iban(self) -> str:
        country = self.rng.choice(sorted(COUNTRY_LETTERS))
        body = "".join(self.rng.choice("0123456789ABCXYZ") for _ in range(self.rng.randint(8, 30)))
        rest = int("".join(str(int(one, 36)) for one in f"{body}{country}00")) % 97
        return f"{country}{98 - rest:02}{body}"

    def _counted(self, least: int, most: int, more: int = 0) -> str:
        count = self.rng.randint(least, most)
        return f"{count}{self._digits(count + more)}"

    def _coupon(self) -> str:
        rng = self.rng

        def purchase() -> str:
            return self._counted(1, 5) + rng.choice("012349") + self._digits(3)

        text = self._counted(0, 6, 6) + self._digits(6) + self._counted(1, 5) + purchase()
        if rng.random() < 0.4:
            text += "1" + rng.choice("0123") + purchase() + rng.choice(("9", self._counted(0, 6, 6)))
        if rng.random() < 0.3:
            text += "2" + purchase() + rng.choice(("9", self._counted(0, 6, 6)))
        for mark in "34":
            if rng.random() < 0.4:
                text += f"{mark}{rng.randrange(100):02}{rng.randrange(14):02}{rng.randrange(33):02}"
        if rng.random() < 0.3:
            text += "5" + self._counted(0, 9, 6)
        if rng.random() < 0.3:
            text += "6" + self._counted(1, 7, 6)
        if rng.random() < 0.3:
            text += "9" + rng.choice("01256") + rng.choice("012") + self._digits(1) + rng.choice("01")
        return text
