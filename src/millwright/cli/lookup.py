"""Finding things by the names people use for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from millwright.cli.client import Client, part
from millwright.kernel import Invalid, NotFound


def get_device(client: Client, name: str) -> dict[str, Any]:
    """The device with this id or name. Raises ``NotFound``."""
    if name.startswith("dev_"):
        found: dict[str, Any] = client.get(f"/devices/{part(name)}")
        return found
    for device in client.pages("/devices", q=name):
        if device["name"].casefold() == name.casefold():
            return device
    raise NotFound(f"There is no device {name!r}.", code="devices.device_unknown", hint="`millwright devices list`.")


def get_model(client: Client, name: str) -> dict[str, Any]:
    """The model with this id or name. Raises ``NotFound``."""
    for model in client.pages("/models"):
        if name in (model["id"], model["name"]):
            return model
    raise NotFound(f"There is no model {name!r}.", code="devices.model_unknown", hint="`millwright models list`.")


def read_json(path: Path) -> Any:
    """The JSON in a file. Raises ``Invalid`` (``cli.file_unreadable``)."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid(
            f"{path} cannot be read as JSON: {error}", code="cli.file_unreadable", hint="Mend the file."
        ) from error
