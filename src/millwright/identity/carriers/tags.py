"""The EPC bank of an RFID tag (memory bank 01; GS1 EPC Gen2 UHF air interface, section 6.3.2.1.2; ISO/IEC 18000-63).

Word 0 is StoredCRC, word 1 StoredPC, then the EPC. StoredPC: bits 10h-14h the EPC's length in words, 15h UMI, 16h XI,
17h T (0: what follows is an EPC; 1: an AFI of ISO/IEC 15961), 18h-1Fh that AFI or reserved and attribute bits.
"""

from __future__ import annotations

import re
from binascii import crc_hqx

from msgspec import Struct

from millwright.identity.carriers.errors import bank_corrupt, bank_refused

_WORD = 4
_MOST_WORDS = 31
_HEX = re.compile(r"[0-9A-F]*")
_SPACES = re.compile(r"[\s:_-]")


class EpcBank(Struct, frozen=True, kw_only=True):
    """An EPC bank: words and what they say. ``attributes`` are bits 18h to 1Fh: the AFI where ``iso`` (T) is set."""

    epc_hex: str
    crc_hex: str
    pc_hex: str
    words: int
    user_memory: bool
    extended: bool
    iso: bool
    attributes: int
    dump_hex: str


def crc16(octets: bytes) -> int:
    """CRC-16 of Gen2: polynomial 1021h, preset FFFFh, complemented (section 6.3.1.5)."""
    return crc_hqx(octets, 0xFFFF) ^ 0xFFFF


def epc_bank(epc_hex: str, *, iso: bool = False, attributes: int = 0, user_memory: bool = False) -> EpcBank:
    """The bank that holds an EPC, which is filled with zeros to whole words. Raises ``Invalid``."""
    digits = _SPACES.sub("", epc_hex).upper()
    if not digits or not _HEX.fullmatch(digits):
        raise bank_refused("An EPC is hexadecimal digits.")
    digits = digits.ljust(-(-len(digits) // _WORD) * _WORD, "0")
    words = len(digits) // _WORD
    if words > _MOST_WORDS:
        raise bank_refused(f"An EPC has at most {_MOST_WORDS} words and this one {words}.")
    if not 0 <= attributes <= 0xFF:
        raise bank_refused("Attribute bits or AFI are one octet.")
    pc = words << 11 | user_memory << 10 | iso << 8 | attributes
    body = f"{pc:04X}{digits}"
    return read_epc_bank(f"{crc16(bytes.fromhex(body)):04X}{body}")


def read_epc_bank(dump_hex: str) -> EpcBank:
    """A dump of bank 01 from its word 0; what lies behind the EPC is left out. Raises ``Corrupt``."""
    digits = _SPACES.sub("", dump_hex).upper()
    if not _HEX.fullmatch(digits) or len(digits) % _WORD:
        raise bank_corrupt("A dump is whole words of hexadecimal digits.")
    if len(digits) < 2 * _WORD:
        raise bank_corrupt("A dump has StoredCRC and StoredPC at least.")
    pc = int(digits[4:8], 16)
    words = pc >> 11
    end = (2 + words) * _WORD
    if len(digits) < end:
        raise bank_corrupt(f"StoredPC says {words} words of EPC, the dump has {len(digits) // _WORD - 2}.")
    wanted = f"{crc16(bytes.fromhex(digits[4:end])):04X}"
    if digits[:4] != wanted:
        raise bank_corrupt(f"StoredCRC is {digits[:4]}, and {wanted} is that of StoredPC and EPC.")
    return EpcBank(
        epc_hex=digits[8:end], crc_hex=digits[:4], pc_hex=digits[4:8], words=words, user_memory=bool(pc & 0x400),
        extended=bool(pc & 0x200), iso=bool(pc & 0x100), attributes=pc & 0xFF, dump_hex=digits[:end],
    )  # fmt: skip
