"""Reading carriers from pictures that anybody may have sent."""

from __future__ import annotations

import io
import warnings

import zxingcpp
from PIL import Image, ImageOps, UnidentifiedImageError

from millwright.identity.carriers.errors import picture_too_large, picture_unreadable
from millwright.identity.carriers.model import Found

MOST_BYTES = 10 * 1024 * 1024
MOST_PIXELS = 25_000_000
"""Of a picture once it is unpacked; cameras of telephones have 12 to 24 million. Noise takes 1.2 s."""

_KINDS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
"""Formats whose decoders are given what strangers send; the first frame is looked at."""

_FORMATS = zxingcpp.barcode_formats_from_str("QRCode,MicroQRCode,DataMatrix,Code128,EAN13,EAN8,UPCA,ITF14")


def read_picture(picture: bytes) -> list[Found]:
    """Every carrier in a picture; nothing when there is none. Raises ``Invalid``, ``LimitExceeded``."""
    if len(picture) > MOST_BYTES:
        raise picture_too_large(f"{len(picture):,} bytes; {MOST_BYTES:,} are the most.")
    grey = _opened(picture)
    codes = zxingcpp.read_barcodes(grey, formats=_FORMATS)
    if any(_CONTROL & set(code.bytes) and not _is_gs1(code) for code in codes):
        # The library's readable form, which brackets application identifiers, writes <GS> for a control character.
        plain = zxingcpp.read_barcodes(grey, formats=_FORMATS, text_mode=zxingcpp.TextMode.Plain)
        texts = {(bytes(code.bytes), code.symbology_identifier): code.text for code in plain}
    else:
        texts = {}
    return [_found(code, texts) for code in codes]


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
        raise picture_too_large("it unpacks to more than it says.") from None
    except UnidentifiedImageError:
        # The library's own words hold an address of memory.
        raise picture_unreadable("it is of no kind known here.") from None
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError, IndexError, OverflowError):
        raise picture_unreadable("it is broken.") from None


def _found(code: zxingcpp.Barcode, texts: dict[tuple[bytes, str], str]) -> Found:
    octets, gs1 = bytes(code.bytes), _is_gs1(code)
    corners = (code.position.top_left, code.position.top_right, code.position.bottom_right, code.position.bottom_left)
    return Found(
        format=code.format.name,
        text=code.text if gs1 else texts.get((octets, code.symbology_identifier), code.text),
        symbology_identifier=code.symbology_identifier,
        gs1=gs1,
        octets_hex=octets.hex(),
        corners=tuple((point.x, point.y) for point in corners),
    )
