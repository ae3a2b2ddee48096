"""What signed records cost: signing one, and verifying one that was fetched, by kind of key; one core.

    python bench/signatures.py [--seconds 1]

Records of five public values, under a prefix that is certified by two levels below the root. CPU seconds count, not
wall time. Verified is with the certificates at hand and found good before, as for each record but a prefix's first.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from millwright.identity.handle import HandleValue, Reference, sm2
from millwright.identity.handle.records import StoredRecord
from millwright.identity.handle.trust.claims import TrustPermission, read_reference
from millwright.identity.handle.trust.roots import Roots
from millwright.identity.handle.trust.signing import (
    Signer,
    Signers,
    certificate,
    certificate_value,
    signed_values,
)
from millwright.identity.handle.trust.verifying import RecordVerifier

NOW_S = 1_800_000_000
ROOT, ABOVE, OWN = "300:0.0/0.0", "300:0.NA/88.118", "300:0.NA/88.118.8"
KINDS: dict[str, Callable[[], Any]] = {
    "RSA 2048": lambda: rsa.generate_private_key(65537, 2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "SM2": sm2.generate,
}
VALUES = tuple(HandleValue(index=1000 + each, type=b"TEXT", data=b"value %d of it" % each) for each in range(5))


async def each_us(work: Callable[[int], Awaitable[object]], seconds: float) -> float:
    """Microseconds of CPU time that one call takes."""
    await work(0)
    started, done = time.process_time(), 0
    while (spent := time.process_time() - started) < seconds:
        done += 1
        await work(done)
    return spent / done * 1e6


async def measured(make: Callable[[], Any], seconds: float) -> tuple[float, float]:
    """Microseconds to sign a record, and to verify one."""
    keys = {name: make() for name in (ROOT, ABOVE, OWN)}
    held: dict[bytes, Sequence[HandleValue]] = {}
    for subject, issuer in ((ABOVE, ROOT), (OWN, ABOVE)):
        data = certificate(
            read_reference(subject), keys[subject].public_key(), [TrustPermission(None, "everything")],
            read_reference(issuer), keys[issuer], now_s=NOW_S, days=100,
        )  # fmt: skip
        held[read_reference(subject).handle] = (certificate_value(data, 400, NOW_S),)

    async def find(name: bytes) -> Sequence[HandleValue] | None:
        return held.get(name)

    signer = Signer(issuer=Reference(b"0.NA/88.118.8", 300), key=keys[OWN])
    signers, verifier = Signers([signer]), RecordVerifier(Roots([keys[ROOT].public_key()]))
    records = [StoredRecord.build(b"88.118.8/%d" % number, VALUES) for number in range(200)]
    signed = [signed_values(each.handle, VALUES, (), signer, NOW_S) for each in records[:20]]

    async def sign(number: int) -> None:
        signers.signed(records[number % len(records)], NOW_S)

    async def verify(number: int) -> None:
        place = number % len(signed)
        verdict = await verifier.verdict(records[place].handle, signed[place], find, NOW_S)
        if verdict.state != "valid":
            raise AssertionError(verdict)

    return await each_us(sign, seconds), await each_us(verify, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    print(f"{'':10} {'sign, µs':>10} {'a second':>10} {'verify, µs':>11} {'a second':>10}")
    for name, make in KINDS.items():
        sign_us, verify_us = asyncio.run(measured(make, options.seconds))
        print(f"{name:10} {sign_us:10,.0f} {1e6 / sign_us:10,.0f} {verify_us:11,.0f} {1e6 / verify_us:10,.0f}")


if __name__ == "__main__":
    main()
