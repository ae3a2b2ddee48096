"""Reading carriers from pictures that anybody may have sent."""

from __future__ import annotations

import io
import warnings

import zxingcpp
from PIL import Image, ImageOps, UnidentifiedImageError

from millwright.identity.carriers.errors import picture_too_large, picture_unreadable
from millwright.identity.carriers.model import Found
from millwright.identity.codes.gs1.elements import read_transmitted, write_bracketed
from millwright.kernel import Invalid

MOST_BYTES = 10 * 1024 * 1024
MOST_PIXELS = 25_000_000
"""Of a picture once it is unpacked; cameras of telephones have 12 to 24 million. Noise takes 1.2 s."""

_KINDS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
"""Formats whose decoders are given what strangers send; the first frame is looked at."""

_QR_FORMATS = zxingcpp.barcode_formats_from_str("QRCode,MicroQRCode")
_OTHER_FORMATS = zxingcpp.barcode_formats_from_str("DataMatrix,Code128,EAN13,EAN8,UPCA,ITF14")
_QR_PIXELS = 3_000_000
"""To so many a picture is reduced before QR Codes are looked for. Any three finder patterns could be one, and a picture
full of them takes time by the square of its size: 93 s at 24 million pixels, 2.5 s at 3 million. Others do not mind."""


def read_picture(picture: bytes) -> list[Found]:
    """Every carrier in a picture; nothing when there is none. Raises ``Invalid``, ``LimitExceeded``."""
    if len(picture) > MOST_BYTES:
        raise picture_too_large(f"{len(picture):,} bytes; {MOST_BYTES:,} are the most.")
    grey = _opened(picture)
    factor = max(1.0, (grey.width * grey.height / _QR_PIXELS) ** 0.5)
    smaller = grey if factor == 1 else grey.resize((int(grey.width / factor) or 1, int(grey.height / factor) or 1))
    return [*_search(smaller, _QR_FORMATS, factor), *_search(grey, _OTHER_FORMATS, 1)]


def _search(grey: Image.Image, formats: zxingcpp.BarcodeFormats, factor: float) -> list[Found]:
    codes = zxingcpp.read_barcodes(grey, formats=formats)
    texts = {}
    if any(_CONTROL & set(code.bytes) and not _is_gs1(code) for code in codes):
        # The library's readable form, which brackets application identifiers, writes <GS> for a control character.
        plain = zxingcpp.read_barcodes(grey, formats=formats, text_mode=zxingcpp.TextMode.Plain)
        texts = {(bytes(code.bytes), code.symbology_identifier): code.text for code in plain}
    return [_found(code, texts, factor) for code in codes]


_CONTROL = frozenset({*range(32), 127})


def _is_gs1(code: zxingcpp.Barcode) -> bool:
    return code.content_type == zxingcpp.ContentType.GS1


def _opened(picture: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Our own bound is tighter than the library's, which only warns.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(picture), formats=_KINDS) as opened:
                width, height = opened.size
                # Before anything is unpacked: the header says how large it will be.
                if width * height > MOST_PIXELS:
                    raise picture_too_large(f"{width} × {height} pixels; {MOST_PIXELS:,} are the most.")
                turned = ImageOps.exif_transpose(opened)
                if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
                    # Codes on nothing are meant to be on white.
                    clear = turned.convert("RGBA")
                    turned = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
                return turned.convert("L")
    except Image.DecompressionBombError:
        raise picture_too_large(f"{MOST_PIXELS:,} pixels are the most.") from None
    except UnidentifiedImageError:
        # The library's own words hold an address of memory.
        raise picture_unreadable("it is of no kind known here.") from None
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, IndexError, OverflowError):
        raise picture_unreadable("it is broken.") from None


def _found(code: zxingcpp.Barcode, texts: dict[tuple[bytes, str], str], factor: float) -> Found:
    octets, gs1 = bytes(code.bytes), _is_gs1(code)
    corners = (code.position.top_left, code.position.top_right, code.position.bottom_right, code.position.bottom_left)
    return Found(
        format=code.format.name,
        text=_bracketed(octets, code.text) if gs1 else texts.get((octets, code.symbology_identifier), code.text),
        symbology_identifier=code.symbology_identifier,
        gs1=gs1,
        octets_hex=octets.hex(),
        corners=tuple((round(point.x * factor), round(point.y * factor)) for point in corners),
    )


def _bracketed(octets: bytes, readable: str) -> str:
    """Element strings as people read them. The library's own form cannot tell a bracket of the data from its own."""
    try:
        return write_bracketed(read_transmitted(octets.decode("ascii"), 0))
    except (Invalid, UnicodeDecodeError):
        return readable
