"""What the demo registers: prefixes of the group, and what its plant makes and runs on, for everybody to resolve."""

from __future__ import annotations

from typing import Any

from millwright.cli.client import Client

REACTOR = "88.1000.1/tep-reactor"
PRODUCT = "(01)09506000134352"
"""A number out of the range that GS1 keeps for examples."""

_FORM = {
    "credit_code": "91350100M000100Y43",
    "contact": {"name": "Lin", "telephone": "0591 8888 0000"},
    "industry": "C26",
    "use": "Products, batches and machines of the demonstration plant",
}
_PREFIXES = (("handle", "88.1000.1"), ("gs1", "9506000"))
_RECORDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "product",
        PRODUCT,
        {
            "name": "Product G, 25 kg",
            "model": "G-25",
            "maker": "Baigong Group",
            "net_weight": {"value": 25, "unit": "kg"},
            "shelf_life": {"value": 730, "unit": "d"},
        },
    ),
    (
        "batch",
        f"{PRODUCT}(10)TEP-0006",
        {
            "batch_number": "TEP-0006",
            "product": PRODUCT,
            "produced_on": "2026-03-06",
            "quantity": {"value": 480, "unit": "1"},
            "plant": "Chemical works",
            "line": "TEP process",
            "result": "passed",
        },
    ),
    (
        "device",
        REACTOR,
        {
            "name": "Reactor control",
            "serial_number": "R-4711",
            "maker": "Baigong Group",
            "commissioned_on": "2021-09-01",
            "status": "in_use",
            "location": "Chemical works, TEP process",
            "responsible": "Shift supervisor",
        },
    ),
)
"""Template, identifier, fields: some of them public, some for the own organisation alone."""


def register(client: Client, console: str, devices: dict[str, str]) -> None:
    """Apply for the prefixes, decide on them, and register; ``devices``: name → id."""
    for system, prefix in _PREFIXES:
        path = f"/prefixes/{client.post('/prefixes', _FORM | {'system': system, 'prefix': prefix})['id']}"
        for step in ("submit", "review", "approve"):
            client.post(f"{path}/{step}", {})
        client.put(f"{path}/certification", {"certified_by": "The demonstration"})
        client.post(f"{path}/activate", {})
    ready = {each["key"]: each["document"] for each in client.get("/identifier-templates/ready")}
    templates: dict[str, str] = {}
    for key, identifier, fields in _RECORDS:
        if key not in templates:
            made = client.post("/identifier-templates", ready[key])
            templates[key] = client.post(f"/identifier-templates/{made['id']}/publish", {})["id"]
        body: dict[str, Any] = {"identifier": identifier, "template_id": templates[key], "fields": fields}
        if identifier == REACTOR:
            live = f"{console}/devices/{devices['tep-reactor']}"
            body["links"] = [{"linkType": "pip", "href": live, "title": "Live values"}]
        client.post("/identifiers", body)
