"""What somebody who means harm sends to a resolver: Handle messages and HTTP requests, the same for the same seed."""

from __future__ import annotations

import random
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote_from_bytes

from millwright.identity.handle import HandleValue, Interface, Reference, Server, Site
from millwright.identity.handle.site import encode_site
from millwright.identity.handle.special import Admin, encode_admin, encode_references
from millwright.identity.handle.wire.codes import EnvelopeFlag, Flag, Op
from millwright.identity.handle.wire.message import ENVELOPE, HEADER, Message, encode_message, frame, packets
from millwright.identity.handle.wire.requests import (
    Answer,
    ExchangeKey,
    Login,
    OfHandle,
    RemoveValues,
    Resolve,
    SetupSession,
    Verify,
    WithValues,
    encode_request,
)
from millwright.identity.handle.wire.responses import encode_resolved

_NUMBERS = (0, 1, 2, 99, 100, 300, 1001, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_TYPES = (
    b"URL", b"EMAIL", b"HS_ADMIN", b"HS_VLIST", b"HS_SITE", b"HS_SITE.6", b"HS_SITE.PREFIX", b"HS_NA_DELEGATE",
    b"HS_SERV", b"HS_SERV.PREFIX", b"HS_ALIAS", b"HS_PUBKEY", b"HS_NAMESPACE", b"HS_SIGNATURE", b"HS_CERT",
    b"DID.DOCUMENT", b"DID.SERVICE", b"MW_TEMPLATE", b"MW_LINK", b"NAME", b"10320/loc", b"hs_", b"", b"URL.", b"\xff",
    "名称".encode(), b"x" * 300,
)  # fmt: skip
_DATA = (
    b"", b"https://example.com/\r\nX: y", b"javascript:alert(1)", b"http://[::1", b"//", b"{", b"[" * 900, b'{"id":1}',
    b'{"href":"https://e.example/","linkType":"gs1:pip","hreflang":"en"}', b"<a b='&c;'/>", b"<" * 50, b"\x00\x01",
    "设备\u202e".encode(), b"\xed\xa0\x80", b"%ff", b"x" * 5000, b"12.5 kg", b"geo:1,2", b"sealed",
)  # fmt: skip
_METHODS = ("GET",) * 6 + ("HEAD", "OPTIONS", "PUT", "POST", "DELETE", "PATCH", "TRACE", "get", "G\x00T", "")
_PIECES = (
    r"api handles sessions this id 1.0 identifiers methods did.json .well-known gs1resolver 01 21 10 00 8004 gtin"
    r" aB%2F7 did:key:z did:web:node.example:press did:bid:ef 0.NA GS1 OID 1.2.156.3 MA 156.1000 Product-1 %2F %00 %FF"
    r" %E4%B8%AD .. . ~ ^ # : %25 %2e%2e ;x ,"
)
_QUERIES = (
    "linkType=all linkType=gs1:pip linkType=%ff index=1 index=99999999999999999999 index=-1 index=x type=URL"
    " type=HS_ADMIN pretty auth auth=true publicOnly=false prefix=88.118.8 prefix=0.NA page=0 page=99999999999 page=-1"
    " pageSize=0 pageSize=99999999999 overwrite=true mintNewSuffix=true callback=x lang=zh lang=%00 q= format=json"
    " context=LK version=1 =&= &&& %"
)
_HEADERS = (
    "Accept: */*", "Accept: text/html", "Accept: application/linkset+json", "Accept: application/did+json;q=x,*/*;q=9",
    "Accept: " + "a/b," * 400, "Accept-Language: zh-CN,zh;q=0.9", "Accept-Language: " + "-" * 999,
    "Accept-Language: *;q=-1", "Authorization: Basic !!", "Authorization: Basic YTpi",
    "Authorization: Basic MzAwJTNBOg==", "Authorization: Handle =",
    'Authorization: Handle sessionId="x", signature="y", cnonce="!"', "Authorization: Bearer x", "If-None-Match: *",
    'If-None-Match: "x", W/"y"', "Range: bytes=0-1", "X-Forwarded-For: 1.2.3.4, x", "X-Forwarded-Proto: https",
    "Expect: 100-continue",
    "Content-Type: application/json", "Content-Type: \xff", "Transfer-Encoding: identity", "Upgrade: websocket",
    "Cookie: a=b", "Origin: null", "X: " + "y" * 9000, "Connection: x", "\x00: y", "NoColon",
)  # fmt: skip
_BODIES = (
    b"", b"{", b"[]", b"null", b"1e999", b'[{"index":1,"type":"URL","data":"x"}]', b"[" * 2000, b'"\xff"',
    b'{"index":1}',
    b'[{"index":1,"type":"HS_ADMIN","data":{"format":"admin","value":{"handle":"x","index":-1}}}]',
    b'[{"index":1,"type":"HS_SITE","data":{"format":"site","value":{"servers":[{"address":"x"}]}}}]',
    b'[{"index":1,"type":"T","data":{"format":"hex","value":"0"},"ttl":"2026-01-01T00:00:00","permissions":"22"}]',
    b'{"values":[{"index":9e99,"type":[],"data":{}}]}', b'{"clientSecret":1}', b'{"nonce":"' + b"A" * 500 + b'"}',
)  # fmt: skip


class Hostile:
    """A stranger who has ``names`` to begin with."""

    def __init__(self, seed: int, names: tuple[bytes, ...]) -> None:
        self.random = random.Random(seed)
        self._names = names

    def _some(self, most: int) -> range:
        return range(self.random.randrange(most + 1))

    def handle(self) -> bytes:
        """A name that is there, one that is not, or none."""
        chosen = self.random
        name = chosen.choice(self._names)
        match chosen.randrange(12):
            case 0:
                return self.broken(name)
            case 1:
                return chosen.choice(
                    (b"", b"/", b"0.NA/", b"0.NA/0.NA", b"0.na/" + name, name * 200, b"\xff/\xff", b"a/\x00")
                )
            case 2:
                return (
                    name.partition(b"/")[0]
                    + b"/"
                    + chosen.choice((b"", b"new-%d" % chosen.randrange(200), b"x" * 2047))
                )
            case 3:
                return name.swapcase()
        return name

    def broken(self, data: bytes) -> bytes:
        """Some bytes changed, cut out, doubled, or set to what a length would be."""
        chosen, made = self.random, bytearray(data)
        for _ in range(chosen.randrange(1, 4)):
            at = chosen.randrange(len(made) + 1)
            match chosen.randrange(5):
                case 0:
                    made[at : at + 1] = chosen.randbytes(1)
                case 1:
                    made[at : at + 4] = chosen.choice(_NUMBERS).to_bytes(4, "big")
                case 2:
                    del made[at : at + chosen.randrange(1, 9)]
                case 3:
                    made[at:at] = made[at : at + chosen.randrange(1, 40)]
                case 4:
                    del made[at:]
        return bytes(made)

    def reference(self) -> Reference:
        """Who might be an administrator."""
        return Reference(self.handle(), self.random.choice(_NUMBERS))

    def data(self, kind: bytes) -> bytes:
        """Data of a type, mostly of its form."""
        chosen = self.random
        made = chosen.choice(_DATA)
        if kind == b"HS_ADMIN":
            made = encode_admin(Admin(self.reference(), chosen.randrange(0x10000), chosen.random() < 0.2))
        elif kind in (b"HS_VLIST", b"HS_SIGNATURE"):
            made = encode_references(tuple(self.reference() for _ in self._some(5)))
        elif b"SITE" in kind or b"DELEGATE" in kind:
            servers = tuple(
                Server(number, ip_address("127.0.0.1"), chosen.randbytes(9), (Interface(3, chosen.randrange(5), 1),))
                for number in self._some(3)
            )
            made = encode_site(Site(servers=servers, hash_option=chosen.randrange(5), attributes=((b"\xff", b"x"),)))
        elif kind in (b"HS_SERV", b"HS_ALIAS", b"HS_SERV.PREFIX"):
            made = self.handle()
        elif kind == b"HS_PUBKEY":
            names = chosen.choice((b"RSA_PUB_KEY", b"DSA_PUB_KEY", b"DH_PUB_KEY", b"EC_PUB_KEY"))
            numbers = b"".join(
                len(number).to_bytes(4, "big") + number
                for number in (chosen.randbytes(chosen.choice((0, 1, 130))) for _ in range(4))
            )
            made = len(names).to_bytes(4, "big") + names + b"\x00\x00" + numbers
        return self.broken(made) if chosen.random() < 0.4 else made

    def value(self) -> HandleValue:
        """A value of any type."""
        chosen = self.random
        kind = chosen.choice(_TYPES)
        return HandleValue(
            index=chosen.choice((*_NUMBERS, *range(1, 12))),
            type=kind,
            data=self.data(kind),
            permissions=chosen.choice((0x0E, 0x0F, 0x0C, 0x02, 0, 0xFF)),
            ttl_type=chosen.choice((0, 1, 2)),
            ttl=chosen.choice(_NUMBERS),
            timestamp_s=chosen.choice(_NUMBERS),
            references=tuple(self.reference() for _ in self._some(2)),
        )

    def request(self) -> tuple[int, Any]:
        """An operation and what it takes."""
        chosen, handle = self.random, self.handle()
        values = tuple(self.value() for _ in self._some(4))
        indexes = tuple(chosen.choice(_NUMBERS) for _ in self._some(4))
        asked = chosen.choice((b"HS_SECKEY", b"HS_PUBKEY", b"hs_seckey", b"X"))
        response = chosen.choice((b"", b"\x02" + bytes(20), b"\x22" + chosen.randbytes(60), chosen.randbytes(40)))
        setup = SetupSession(
            chosen.randrange(6), chosen.choice(_NUMBERS), handle, 300, self.data(b"HS_PUBKEY"), handle, 301
        )
        return chosen.choice((
            (Op.RESOLUTION, Resolve(handle, indexes, tuple(chosen.choice(_TYPES) for _ in self._some(4)))),
            (Op.RESOLUTION, Resolve(handle)),
            (Op.CREATE_HANDLE, WithValues(handle, values)),
            (Op.ADD_VALUE, WithValues(handle, values)),
            (Op.MODIFY_VALUE, WithValues(handle, values)),
            (Op.REMOVE_VALUE, RemoveValues(handle, indexes)),
            (Op.DELETE_HANDLE, OfHandle(handle)),
            (Op.LIST_HANDLES, OfHandle(handle)),
            (Op.CHALLENGE_RESPONSE, Answer(asked, handle, 300, response)),
            (Op.VERIFY_CHALLENGE, Verify(handle, 300, chosen.randbytes(16), chosen.randbytes(20), response)),
            (Op.SESSION_SETUP, setup),
            (Op.SESSION_EXCHANGE_KEY, ExchangeKey(chosen.randbytes(chosen.choice((0, 16, 256))))),
            (Op.LOGIN_ID_SYSTEM, Login(handle, 300)),
            (chosen.choice([*Op]), OfHandle(handle)),
            (chosen.randrange(3000), OfHandle(handle)),
        ))  # fmt: skip

    def message(self) -> tuple[tuple[int, int], bytes]:
        """A version and a message of it, mostly whole."""
        chosen = self.random
        op, request = self.request()
        body = encode_request(request)
        if chosen.random() < 0.2:
            body = self.broken(body)
        flags = sum({int(chosen.choice([*Flag])) for _ in self._some(3)})
        version = chosen.choice(((2, 11), (2, 11), (2, 0), (2, 1), (2, 3), (2, 5), (2, 6), (2, 8), (5, 0), (2, 255)))
        credential = chosen.randbytes(chosen.choice((0, 0, 0, 3, 40)))
        code = 0 if chosen.random() < 0.97 else chosen.randrange(600)
        if code == 1:
            body = encode_resolved(b"x/y", b"", 0)
        made = Message(
            op=op, response_code=code, flags=flags, recursion=chosen.randrange(256), body=body, credential=credential
        )
        data = encode_message(made, version)
        return version, self.broken(data) if chosen.random() < 0.2 else data

    def stream(self) -> bytes:
        """What is written to a connection: messages, some broken."""
        chosen = self.random
        parts = []
        for _ in range(chosen.randrange(1, 12)):
            version, data = self.message()
            session = 0 if chosen.random() < 0.9 else chosen.choice(_NUMBERS)
            flags = (
                0 if chosen.random() < 0.95 else int(chosen.choice((EnvelopeFlag.ENCRYPTED, EnvelopeFlag.COMPRESSED)))
            )
            whole = frame(version, session, chosen.randrange(1, 1 << 31), data, flags)
            parts.append(self.broken(whole) if chosen.random() < 0.03 else whole)
        return b"".join(parts)

    def datagrams(self) -> list[bytes]:
        """The packets of a message, in any order, some missing, some broken."""
        chosen = self.random
        version, data = self.message()
        session = 0 if chosen.random() < 0.9 else chosen.choice(_NUMBERS)
        made = packets(version, session, chosen.randrange(1, 1 << 31), data)
        if len(made) > 1 and chosen.random() < 0.5:
            chosen.shuffle(made)
            made = made[: chosen.randrange(1, len(made) + 1)]
        if chosen.random() < 0.1:
            at = chosen.randrange(len(made))
            made[at] = self.broken(made[at])
        if chosen.random() < 0.02:
            length = chosen.choice((HEADER.size, 493, 65_536, 65_537, 262_144, 0xFFFFFFFF))
            head = ENVELOPE.pack(2, 11, 0x20, 0, chosen.randrange(4), 7, chosen.choice(_NUMBERS), length)
            made.append(head + chosen.randbytes(492))
        return [each[:65_000] for each in made if each]

    def http(self) -> bytes:
        """A request over HTTP, mostly one that a server can read."""
        chosen = self.random
        handle = quote_from_bytes(self.handle(), safe=chosen.choice(("/", "/:", "")))
        path = chosen.choice((
            f"/api/handles/{handle}", f"/api/handles/{handle}", f"/id/{handle}", f"/1.0/identifiers/{handle}",
            f"/{handle}",
            "/api/handles", "/api/sessions", "/api/sessions/this", "/.well-known/gs1resolver", f"/{handle}/did.json",
            *("/" + "/".join(chosen.choice(_PIECES.split()) for _ in self._some(7)) for _ in range(3)),
        ))  # fmt: skip
        query = "&".join(chosen.choice(_QUERIES.split()) for _ in self._some(3))
        lines = [f"{chosen.choice(_METHODS)} {path}{'?' if query else ''}{query} HTTP/1.1", "Host: node.example"]
        lines += (chosen.choice(_HEADERS) for _ in self._some(3))
        body = chosen.choice(_BODIES)
        length = len(body) if chosen.random() < 0.95 else chosen.choice((0, len(body) + 5, -1, 1 << 70))
        lines += [f"Content-Length: {length}", "Connection: close"]
        whole = "\r\n".join(lines).encode("latin-1", errors="replace") + b"\r\n\r\n" + body
        return self.broken(whole) if chosen.random() < 0.05 else whole
