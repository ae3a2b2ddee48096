"""An OPC UA server by asyncua, as a process of its own: ``python -m support.opcua_server OPTIONS`` (JSON).

It prints ``ready``, then takes commands as lines of JSON on its input and answers each with a line.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asyncua import Server, ua, uamethod
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_session import InternalSession

PLANT = "urn:example:plant"
OTHER = "urn:example:other"
USERS = {"operator": "right"}


class Users:
    """One user by password; everyone by certificate; anonymous people if the options say so."""

    def __init__(self, anonymous: bool) -> None:
        self._anonymous = anonymous

    def get_user(
        self, iserver: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> User | None:
        if username is not None:
            return User(role=UserRole.User, name=username) if USERS.get(username) == password else None
        if certificate is not None or self._anonymous:
            return User(role=UserRole.User)
        return None


def limit_calls(most: int) -> None:
    """Refuse requests of more operations, as controllers do."""
    for name, attribute in (("create_monitored_items", "ItemsToCreate"), ("read", "NodesToRead")):
        inner = getattr(InternalSession, name)

        async def limited(self: Any, params: Any, *rest: Any, inner: Any = inner, attribute: str = attribute) -> Any:
            if self.external and len(getattr(params, attribute)) > most:
                raise ServiceError(ua.StatusCodes.BadTooManyOperations)
            return await inner(self, params, *rest)

        setattr(InternalSession, name, limited)


class Plant:
    """The address space, and what commands do to it."""

    def __init__(self, server: Server, options: dict[str, Any]) -> None:
        self.server = server
        self.options = options
        self.nodes: dict[str, Any] = {}
        self.ticking: asyncio.Task[None] | None = None
        self.count = 0

    async def build(self) -> None:
        server = self.server
        for uri in self.options.get("namespaces", [PLANT]):
            await server.register_namespace(uri)
        self.ns = ns = await server.get_namespace_index(PLANT)
        self.line = line = await server.nodes.objects.add_object(ua.NodeId("Line1", ns), ua.QualifiedName("Line1", ns))
        values: dict[str, tuple[Any, ua.VariantType]] = {
            "Temperature": (20.5, ua.VariantType.Double),
            "Level": (0.5, ua.VariantType.Float),
            "Count": (7, ua.VariantType.UInt16),
            "Big": (1 << 40, ua.VariantType.Int64),
            "Running": (True, ua.VariantType.Boolean),
            "Name": ("第一线", ua.VariantType.String),
            "Setpoint": (50.0, ua.VariantType.Double),
            "Started": (datetime(2026, 3, 1, 6, 30, tzinfo=UTC), ua.VariantType.DateTime),
            "Label": (ua.LocalizedText("oven"), ua.VariantType.LocalizedText),
            "Raw": (b"\x01\x02", ua.VariantType.ByteString),
            "Temperatures": ([1.5, 2.5, 3.5, 4.5], ua.VariantType.Double),
            "Doubtful": (1.0, ua.VariantType.Double),
            "Broken": (1.0, ua.VariantType.Double),
            "Endless": (float("inf"), ua.VariantType.Double),
            "Counter": (0, ua.VariantType.Int64),
        }
        for name, (value, kind) in values.items():
            await self.variable(line, name, value, kind)
        for name in ("Count", "Running", "Name", "Setpoint", "Started", "Raw", "Temperatures"):
            await self.nodes[name].set_writable()
        unit = ua.EUInformation()
        unit.NamespaceUri, unit.UnitId = "http://www.opcfoundation.org/UA/units/un/cefact", 4408652
        unit.DisplayName = ua.LocalizedText("°C")
        await self.nodes["Temperature"].add_property(0, "EngineeringUnits", unit)
        now = datetime.now(UTC)
        await self.set("Doubtful", 1.0, ua.StatusCodes.UncertainLastUsableValue)
        await self.set("Broken", 1.0, ua.StatusCodes.BadSensorFailure)
        await self.nodes["Temperature"].write_value(
            ua.DataValue(ua.Variant(20.5, ua.VariantType.Double), SourceTimestamp=now - timedelta(hours=1))
        )
        tags = await server.nodes.objects.add_object(ua.NodeId("Tags", ns), ua.QualifiedName("Tags", ns))
        for number in range(self.options.get("tags", 0)):
            await self.variable(tags, f"Tag{number}", float(number), ua.VariantType.Double)
        await self._methods(line, ns)
        if self.options.get("history"):
            await server.historize_node_data_change([self.nodes["Counter"]], period=None, count=100_000)
        await server.set_build_info(
            product_uri="urn:example:press",
            manufacturer_name="Example Works",
            product_name="Press 4000",
            software_version=self.options.get("version", "1.2"),
            build_number="77",
            build_date=datetime(2026, 1, 1, tzinfo=UTC),
        )

    async def variable(self, parent: Any, name: str, value: Any, kind: ua.VariantType) -> None:
        node = ua.NodeId(name, self.ns)
        self.nodes[name] = await parent.add_variable(node, ua.QualifiedName(name, self.ns), value, varianttype=kind)

    async def _methods(self, line: Any, ns: int) -> None:
        @uamethod
        def add(parent: Any, a: float, b: int) -> float:
            return a + b

        def argument(name: str, kind: int) -> ua.Argument:
            made = ua.Argument()
            made.Name, made.DataType, made.ValueRank = name, ua.NodeId(kind), -1
            return made

        await line.add_method(
            ua.NodeId("Add", ns), ua.QualifiedName("Add", ns), add,
            [argument("a", ua.ObjectIds.Double), argument("b", ua.ObjectIds.Int16)],
            [argument("sum", ua.ObjectIds.Double)],
        )  # fmt: skip

    async def set(self, name: str, value: Any, status: int = 0) -> None:
        node = self.nodes[name]
        kind = await node.read_data_type_as_variant_type()
        await self.server.write_attribute_value(
            node.nodeid,
            ua.DataValue(ua.Variant(value, kind), ua.StatusCode(status), SourceTimestamp=datetime.now(UTC)),
        )

    async def count_up(self, interval_s: float) -> None:
        """Write 1, 2, 3 … into Counter."""
        while True:
            self.count += 1
            await self.set("Counter", self.count)
            await asyncio.sleep(interval_s)

    async def tick(self, interval_s: float) -> None:
        """Change every tag, again and again."""
        loop = asyncio.get_running_loop()
        tags = [node for name, node in self.nodes.items() if name.startswith("Tag")]
        due, turn = loop.time(), 0
        while True:
            turn += 1
            now = datetime.now(UTC)
            for number, node in enumerate(tags):
                variant = ua.Variant(float(turn * 100_000 + number), ua.VariantType.Double)
                await self.server.write_attribute_value(node.nodeid, ua.DataValue(variant, SourceTimestamp=now))
                if number % 200 == 199:
                    await asyncio.sleep(0)
            due += interval_s
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def do(self, command: dict[str, Any]) -> Any:
        match command["do"]:
            case "set":
                await self.set(command["name"], command["value"], command.get("status", 0))
            case "count":
                self.ticking = asyncio.create_task(self.count_up(command["interval_s"]))
            case "tick":
                self.ticking = asyncio.create_task(self.tick(command["interval_s"]))
            case "halt":
                if self.ticking is not None:
                    self.ticking.cancel()
                return self.count
            case "add":
                await self.variable(self.line, command["name"], command["value"], ua.VariantType.Double)
            case "remove":
                await self.server.delete_nodes([self.nodes.pop(command["name"])])
            case "subscriptions":
                return len(self.server.iserver.subscription_service.subscriptions)
            case "items":
                return sum(
                    len(one.monitored_item_srv._monitored_items)
                    for one in self.server.iserver.subscription_service.subscriptions.values()
                )
        return None


async def main(options: dict[str, Any]) -> None:
    if options.get("limit"):
        limit_calls(options["limit"])
    server = Server(user_manager=Users(options.get("anonymous", True)))
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{options['port']}/plant")
    server.set_server_name("Example press")
    if folder := options.get("folder"):
        await server.set_application_uri("urn:example:server")
        await server.load_certificate(str(Path(folder) / "server.der"))
        await server.load_private_key(str(Path(folder) / "server.key.pem"))
        kinds = ua.SecurityPolicyType
        server.set_security_policy(
            [getattr(kinds, name) for name in options["policies"]] if "policies" in options else list(ALL_POLICIES)
        )
    else:
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    plant = Plant(server, options)
    await plant.build()
    async with server:
        print("ready", flush=True)  # noqa: T201
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(">", json.dumps(await plant.do(json.loads(line))), flush=True)  # noqa: T201


ALL_POLICIES = (
    ua.SecurityPolicyType.NoSecurity,
    ua.SecurityPolicyType.Basic256Sha256_Sign,
    ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_Sign,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_Sign,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
