"""What may be permitted here.

Codes and carriers touch nothing that is kept: who may look at anything may use them.
"""

from __future__ import annotations

from millwright.parties import READERS, permission

CODES_USE = permission("codes:use", "Parse codes, draw and read carriers", "解析编码，生成和识读标识载体", READERS)
