"""What the demo sets up through the API: person, places, models, devices, rules, identifiers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

from millwright.cli.client import Client
from millwright.cli.demo.identifiers import register
from millwright.cli.rules import put_rules

PLACES = (
    ("enterprise", "Baigong Group", None),
    ("site", "Chemical works", "Baigong Group"),
    ("area", "TEP process", "Chemical works"),
    ("unit", "Feed section", "TEP process"),
    ("unit", "Reactor", "TEP process"),
    ("unit", "Separator", "TEP process"),
    ("unit", "Stripper", "TEP process"),
    ("unit", "Recycle compressor", "TEP process"),
    ("unit", "Analysers", "TEP process"),
    ("site", "Steel works", "Baigong Group"),
    ("area", "Substation", "Steel works"),
)
"""Level (ISA-95), name, name of the place above."""

CONTROLLERS = {
    "feed": ("Feed control", "Feed section"),
    "reactor": ("Reactor control", "Reactor"),
    "separator": ("Separator control", "Separator"),
    "stripper": ("Stripper control", "Stripper"),
    "compressor": ("Compressor control", "Recycle compressor"),
    "analyser": ("Gas analysers", "Analysers"),
}
"""Controller of the Tennessee Eastman process → title, place."""

RULES: tuple[dict[str, Any], ...] = (
    {
        "name": "A feed lost",
        "scope": {"device": "tep-feed"},
        "property": "a_feed_flow",
        "condition": {"kind": "limit", "low": 0.1, "deadband": 0.02},
        "priority": "critical",
        "message": "A feed flow is {value} {unit}, below {limit}: the A feed is lost",
        "message_zh": "A进料流量为{value} {unit}，低于{limit}：A进料中断",
    },
    {
        "name": "Reactor pressure high",
        "scope": {"device": "tep-reactor"},
        "property": "pressure",
        "condition": {"kind": "limit", "high": 2760, "deadband": 10, "on_delay_s": 1},
        "priority": "high",
        "message": "Reactor pressure is {value} {unit}, above {limit}; the plant shuts down at 3000",
        "message_zh": "反应器压力为{value} {unit}，高于{limit}；3000时装置停车",
    },
    {
        "name": "Reactor pressure: shutdown near",
        "scope": {"device": "tep-reactor"},
        "property": "pressure",
        "condition": {"kind": "limit", "high": 2900, "deadband": 10},
        "priority": "critical",
        "message": "Reactor pressure is {value} {unit}: shutdown at 3000 is near",
        "message_zh": "反应器压力为{value} {unit}：接近3000停车值",
    },
    {
        "name": "A feed valve wide open",
        "scope": {"device": "tep-feed"},
        "property": "a_feed_valve",
        "condition": {"kind": "limit", "high": 90, "deadband": 5, "on_delay_s": 2},
        "priority": "medium",
        "message": "The A feed valve stands at {value} {unit}",
        "message_zh": "A进料阀开度为{value}{unit}",
    },
    {
        "name": "Controller silent",
        "scope": {"model": "TEP reactor"},
        "property": "pressure",
        "condition": {"kind": "stale", "after_s": 30},
        "priority": "high",
        "message": "{device} has sent nothing for 30 s",
        "message_zh": "{device}已30秒没有数据",
    },
    {
        "name": "Energy demand high",
        "scope": {"device": "Meter"},
        "property": "active_energy",
        "condition": {"kind": "limit", "high": 110, "deadband": 5},
        "priority": "low",
        "message": "{value} {unit} were drawn in 15 minutes, above {limit}",
        "message_zh": "15分钟用电{value} {unit}，超过{limit}",
    },
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the plants sign in with."""

    tep: dict[str, str]
    edge: str


def build(client: Client, console: str) -> Tokens:
    """Make everything; returns the devices' tokens. ``console``: where the node is reached."""
    places: dict[str, str] = {}
    for level, name, above in PLACES:
        body = {"level": level, "name": name, "parent_id": places[above] if above else None}
        places[name] = client.post("/places", body)["id"]
    models = {}
    for file in sorted((resources.files("millwright.plant") / "models").iterdir(), key=lambda each: each.name):
        document = json.loads(file.read_text(encoding="utf-8"))
        models[file.name.removesuffix(".json")] = client.post("/models", document)["id"]
    tokens, devices = {}, {}
    for key, (title, place) in CONTROLLERS.items():
        device = {"name": f"tep-{key}", "title": title, "model_id": models[f"tep_{key}"], "place_id": places[place]}
        devices[f"tep-{key}"], tokens[key] = _register(client, device | {"tags": ["tep"]})
    edge = _edge(client, models, places["Substation"])
    put_rules(client, [dict(rule) for rule in RULES])
    register(client, console, devices)
    return Tokens(tokens, edge)


def _edge(client: Client, models: dict[str, str], place_id: str) -> str:
    address = {"group_id": "Steelworks", "edge_node_id": "Substation"}
    edge = client.post(
        "/devices",
        {
            "name": "Substation",
            "title": "Substation gateway",
            "kind": "sparkplug_edge",
            "place_id": place_id,
            "sparkplug": address,
            "tags": ["steel"],
        },
    )
    for name, title, model in (("Meter", "Main meter", "steel_meter"), ("Carbon", "Carbon balance", "steel_emissions")):
        client.post(
            "/devices",
            {
                "name": name,
                "title": title,
                "kind": "sparkplug_device",
                "parent_id": edge["id"],
                "place_id": place_id,
                "model_id": models[model],
                "sparkplug": address | {"device_id": name},
                "tags": ["steel"],
            },
        )
    return str(client.post(f"/devices/{edge['id']}/credentials", {"label": "demo"})["token"])


def _register(client: Client, device: dict[str, Any]) -> tuple[str, str]:
    made = client.post("/devices", device)
    return made["id"], client.post(f"/devices/{made['id']}/credentials", {"label": "demo"})["token"]
