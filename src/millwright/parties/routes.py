"""What routes of every domain say the same way, beside who may call them (:mod:`.guards`)."""

from __future__ import annotations

from typing import Annotated

from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import HeaderParameter

IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", required=False, description="The ETag the change rests on.", max_length=100),
]
"""The revision a change rests on (RFC 9110, 13.1.1); see :func:`millwright.kernel.revision_of`."""


class TakesBytes(Operation):
    """Documents a body that is a file, or a part of one, as it is."""

    def __post_init__(self) -> None:
        """Put the kind of body into the document."""
        schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        self.request_body = RequestBody({"application/octet-stream": OpenAPIMediaType(schema=schema)}, required=True)
