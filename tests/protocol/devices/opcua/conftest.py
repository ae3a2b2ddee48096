"""What the tests of the OPC UA connector share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from millwright.devices.connectors.opcua import OpcUaConnector
from support.opcua import RunningServer


@pytest.fixture(scope="session")
def plant() -> Iterator[RunningServer]:
    """A server that no test kills."""
    with RunningServer(history=True, tags=300) as server:
        yield server


@pytest.fixture
def connector(tmp_path: Path) -> OpcUaConnector:
    class Here(OpcUaConnector):
        folder = tmp_path / "opcua"
        discovery_urls = ()

    return Here()
