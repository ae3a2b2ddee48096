"""Generated EPC identities of every scheme."""

from __future__ import annotations

import random

from millwright.identity.codes.epc.identity import Identity, container_check_digit
from millwright.identity.codes.epc.schemes import SCHEMES, Scheme
from millwright.identity.codes.gs1.check_digits import ALPHABET_82

CAGE = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
PART = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-/"


def identity(rng: random.Random, scheme: Scheme) -> Identity:
    """One valid identity; serials are often numbers, so that the short encodings hold them."""

    def digits(count: int) -> str:
        return "".join(rng.choice("0123456789") for _ in range(count))

    def text(most: int, alphabet: str = ALPHABET_82) -> str:
        if rng.random() < 0.5:
            return str(rng.randrange(10 ** rng.randint(1, min(most, 12))))
        return "".join(rng.choice(alphabet) for _ in range(rng.randint(1, most)))

    name = scheme.name
    prefix = digits(rng.randint(6, 12))
    if name == "gid":
        values = [str(rng.randrange(2**bits)) for bits in (28, 24, 36)]
    elif name == "usdod":
        values = ["".join(rng.choice(CAGE) for _ in range(rng.choice((5, 6)))), str(rng.randrange(2**36))]
    elif name == "adi":
        serial = rng.choice(("", "#")) + text(29, PART)
        values = ["".join(rng.choice(CAGE) for _ in range(rng.choice((5, 6)))), text(32, PART), serial]
    elif name == "bic":
        code = "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(3)) + rng.choice("UJZ") + digits(6)
        values = [code + container_check_digit(code)]
    elif name == "imovn":
        number = digits(6)
        values = [
            number + str(sum(int(one) * weight for one, weight in zip(number, range(7, 1, -1), strict=True)) % 10)
        ]
    elif name == "cpi":
        values = [prefix, text(30 - len(prefix), PART), str(rng.randrange(1, 10 ** rng.randint(1, 12)))]
    elif name in ("giai", "ginc"):
        values = [prefix, text(min(24, 30 - len(prefix)))]
    else:
        values = [prefix, digits(scheme.digits - len(prefix))]
        for field in scheme.fields[2:]:
            if field.name == "piece":
                values.append(f"{rng.randint(1, 5):02}")
            elif field.name == "total":
                values.append(f"{rng.randint(5, 99):02}")
            else:
                values.append(digits(rng.randint(1, 12)) if name == "sgcn" else text(field.most))
    return Identity(scheme, tuple(values))


def every_scheme() -> list[Scheme]:
    return list(SCHEMES.values())
