"""The document that describes every route (OpenAPI 3.1), at ``/openapi.json``."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, Contact, License, SecurityScheme, Tag
from litestar.types.internal_types import PathParameterDefinition

from millwright.approvals import HeldRequest
from millwright.devices.device_http import described
from millwright.identity.snms.door import BELOW as SNMS
from millwright.identity.snms.model import SnmsEnvelope
from millwright.parties.cookies import COOKIE
from millwright.web import problems
from millwright.web.holding import nameable_routes
from millwright.web.problems import Problem

_TAGS = {
    "Sign-in": "The first set-up, sessions, second factors, passkeys, identity providers, tokens.",
    "People": "Who may sign in, and what they may do.",
    "Organisations": "The tree of organisations, their members, consents and invitations.",
    "Grants": "Roles, groups, grants, and why somebody may do something.",
    "Approvals": "Operations that take a second person: requests, decisions, policies.",
    "Places": "Where devices are: enterprise, site, area, line, cell, unit (ISA-95, IEC 62264).",
    "Models": "What kinds of devices there are: properties with types and units.",
    "Devices": "The devices and their credentials.",
    "Device HTTP": "What devices send over HTTP, each by its own token, also as ThingsBoard's device API.",
    "Commands": "Writing properties and calling services of devices; interlocks, locks.",
    "Certificates": "Authorities, certificates of devices and nodes, enrolment (RFC 7030).",
    "Networks": "The network around this node and its edges: interfaces, peers, protocols, findings.",
    "Edges": "Nodes near the devices that forward to this one, and how they join.",
    "Location": "Tags, readers, plans and zones: who is where, what happened, and what is made of it.",
    "Vehicles": "Vehicles and platforms that speak GB/T 32960: their model, lists of terminals, who forwards here.",
    "Arrivals": "Devices that knocked without being known.",
    "Connectors": "Field protocols: connections, their points and health; testing, browsing and reading field devices.",
    "History": "Readings: latest, raw, in buckets; retention.",
    "Dead letters": "Messages that could not be read: inspect, replay, discard.",
    "Rules": "When an alarm is raised.",
    "Codes": "Identifiers of every code system: parsed, explained, converted.",
    "Carriers": "QR Code, Data Matrix and Code 128: drawn, on sheets of labels, and read.",
    "Prefixes": "Prefixes of identifiers: applications, review, certification, filing, transfer, expiry.",
    "Filing": "Filing with nodes above, and what nodes below filed here: receipts, reviews, reports.",
    "Filing between nodes": "What a node below asks of a node above, by signed documents.",
    "Identifier templates": "What is said of an identifier: fields, types, visibility; in versions.",
    "Identifiers": "Identifiers by template: registered one by one or from files, versions, links, search.",
    "Drills": "Proof, by doing it, that the register survives the loss of its primary and can be restored.",
    "SNMS": "The interface of China's secondary nodes (SNMS, IDHub), at the root too where `[identity] snms` is on. "
    "Refusals are `{status, message, data}`, not problem details.",
    "Metering": "Usage, price plans, statements, quotas and rates.",
    "Alarms": "Alarms and their life (ISA-18.2, IEC 62682).",
    "Ledger": "Who did what: the tamper-evident record, and its proofs (RFC 9162, C2SP tlog-tiles).",
    "Live": "What happens now, as Server-Sent Events.",
    "Operation": "How the node does.",
}


def document(version: str) -> OpenAPIConfig:
    """How the document begins."""
    return OpenAPIConfig(
        title="Millwright",
        version=version,
        description="Devices connect, history is kept, alarms are true. Times are UTC milliseconds named `…_ms`. "
        "Errors are problem details (RFC 9457) with a stable `code` and a `hint`. Lists page by `cursor`.",
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        contact=Contact(name="Millwright"),
        tags=[Tag(name=name, description=text) for name, text in _TAGS.items()],
        components=Components(
            security_schemes={
                "cookie": SecurityScheme(
                    type="apiKey",
                    name=COOKIE,
                    security_scheme_in="cookie",
                    description="The console's session; over HTTPS its name begins with `__Host-`.",
                ),
                "token": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    bearer_format="mwt_…",
                    description="An API token; POST /api/v1/tokens.",
                ),
            }
        ),
        security=[{"cookie": []}, {"token": []}],
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        path=None,
        render_plugins=[],
    )


def _operation_id(_handler: Any, method: Any, path: list[str | PathParameterDefinition]) -> str:
    """``GET /api/v1/readings/buckets`` → ``getReadingsBuckets``, for routes that do not name themselves."""
    words = [part if isinstance(part, str) else f"by-{part.name}" for part in path]
    parts = [word for part in words if part not in ("api", "v1") for word in re.split(r"[-_]", part)]
    return str(method).rsplit(".", 1)[-1].lower() + "".join(word.capitalize() for word in parts)


@cache
def _shared_schemas() -> dict[str, Any]:
    _, found = msgspec.json.schema_components(
        [Problem, HeldRequest, SnmsEnvelope], ref_template="#/components/schemas/{name}"
    )
    return found


def with_problems(schema: dict[str, Any], app: Litestar) -> dict[str, Any]:
    """The document with what every route answers when it fails, and when it waits for a second person."""
    schema["components"]["schemas"] = _shared_schemas() | schema["components"]["schemas"]
    nameable = {(each.method.lower(), each.path) for each in nameable_routes(app)}
    waits = {"application/json": {"schema": {"$ref": "#/components/schemas/HeldRequest"}}}
    problem = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    envelope = {"application/json": {"schema": {"$ref": "#/components/schemas/SnmsEnvelope"}}}
    for path, item in schema["paths"].items():
        enveloped = path.startswith(SNMS)
        content = envelope if enveloped else problem
        for method, operation in item.items():
            if not isinstance(operation, dict):
                continue
            public = operation.get("security") == [{}]
            answers = operation["responses"]
            answers.pop("400", None)
            answers["400"] = {"description": "The request has wrong values.", "content": content}
            if (method, path) in nameable and not enveloped:
                answers["202"] = {"description": "It takes a second person, and waits.", "content": waits}
            if not public:
                answers["401"] = {"description": "Nobody is signed in.", "content": content}
                answers["403"] = {"description": "The signed-in person may not do this.", "content": content}
            answers["default"] = {"description": "It failed; the code says how.", "content": content}
    if getattr(app.state, "answers_devices", False):
        schema["paths"] = dict(sorted({**schema["paths"], **described.paths(problem)}.items()))
        schema["components"]["securitySchemes"] = {**schema["components"]["securitySchemes"], **described.SCHEMES}
    return schema


@get("/openapi.json", include_in_schema=False)
async def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The document. Public: it describes the interface, not this node."""
    state = request.app.state
    if "openapi" not in state:  # making it takes the loop some 50 ms, and anybody may ask
        schema = with_problems(request.app.openapi_schema.to_schema(), request.app)
        state["openapi"] = msgspec.json.encode(schema, enc_hook=str)
    return Response(state["openapi"], media_type="application/json")
