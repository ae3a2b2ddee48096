"""Routes of webhooks: what was sent lately, and a try without consequences."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter
from msgspec import Meta, Struct

from millwright.devices.connectors.model import ReadValue
from millwright.devices.connectors.rights import CONNECTORS_READ, CONNECTORS_WRITE
from millwright.devices.connectors.service import Connectors
from millwright.devices.connectors.webhook.connector import steps_of
from millwright.devices.connectors.webhook.deliveries import DeliveryStore, WebhookDelivery
from millwright.devices.connectors.webhook.documents import documents_of, samples_of
from millwright.devices.connectors.webhook.settings import WebhookSettings
from millwright.parties import permit

Id = Annotated[str, Parameter(description="The connection.", max_length=64)]
_MOST_POINTS = 1000


class Sent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body as somebody would send it."""

    body: Annotated[str, Meta(max_length=1_000_000)]
    content_type: Annotated[str, Meta(max_length=200)] = "application/json"


class WebhooksController(Controller):
    """Webhooks."""

    path = "/connectors/{connection_id:str}"
    tags = ("Connectors",)

    @get("/deliveries", summary="What was sent lately", operation_id="listWebhookDeliveries",
         guards=[permit(CONNECTORS_READ)])  # fmt: skip
    async def deliveries(
        self,
        connection_id: Id,
        connectors: NamedDependency[Connectors],
        webhook_deliveries: NamedDependency[DeliveryStore],
        limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
    ) -> list[WebhookDelivery]:
        """The last requests to a webhook, newest first: taken, repeated, or refused and why."""
        await connectors.get(connection_id)
        return await asyncio.to_thread(webhook_deliveries.latest, connection_id, limit)

    @post("/try", summary="Try a document", operation_id="tryWebhook", status_code=200, reads=True,
          guards=[permit(CONNECTORS_WRITE)])  # fmt: skip
    async def try_document(
        self, connection_id: Id, data: JSONBody[Sent], connectors: NamedDependency[Connectors]
    ) -> list[ReadValue]:
        """What the points of the webhook would make of a document; nothing is stored, no signature is asked for."""
        connection = await connectors.get(connection_id)
        plain = {key: value for key, value in connection.settings.items() if key in ("items_place", "time_place")}
        settings = WebhookSettings(token="-" * 16, **plain)
        documents = await asyncio.to_thread(documents_of, data.body.encode(), data.content_type, settings)
        page = await connectors.points(connection_id, None, _MOST_POINTS)
        places = [(point.address, steps_of(point.address)) for point in page.items]
        samples = await asyncio.to_thread(samples_of, documents, places, settings)
        return [
            ReadValue(
                address=each.point_id, value=each.value, time_ms=each.time_ms, quality=each.quality, note=each.note
            )
            for each in samples
        ]
