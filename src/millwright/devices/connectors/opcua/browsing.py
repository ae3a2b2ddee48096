"""Browsing (IEC 62541-4, 5.8): what is below a node, page by page, with type, unit and rights of variables."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from asyncua import ua

from millwright.devices.connectors.contract import Node, NodePage, ValueType
from millwright.devices.connectors.opcua import refusals, units
from millwright.devices.connectors.opcua.address import node_id, of_node_id, parse
from millwright.devices.connectors.opcua.link import Link, value_id
from millwright.devices.connectors.opcua.values import plain, type_of
from millwright.kernel import Conflict

PAGE: Final = 200
_KEPT_PAGES: Final = 16
_HIERARCHICAL: Final = ua.NodeId(ua.ObjectIds.HierarchicalReferences)
_MASK: Final = ua.NodeClass.Object | ua.NodeClass.Variable | ua.NodeClass.Method
_WRITE: Final = 1 << 1
"""The bit CurrentWrite of an access level."""

_ATTRIBUTES: Final = (
    ua.AttributeIds.DataType,
    ua.AttributeIds.ValueRank,
    ua.AttributeIds.UserAccessLevel,
    ua.AttributeIds.Description,
    ua.AttributeIds.Value,
)
_ABSTRACT: Final[dict[int, ValueType]] = {26: "number", 27: "integer", 28: "integer", 29: "integer"}
"""Number, Integer, UInteger, Enumeration."""

_DURATION_LIKE: Final[dict[int, ValueType]] = {
    290: "number",
    294: "string",
    295: "string",
    288: "integer",
    289: "integer",
}
"""Duration, UtcTime, LocaleId, IntegerId, Counter: standard names for built-in types."""


class Browser:
    """Browsing on one link; it holds what is left of pages that were begun."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._left: OrderedDict[str, tuple[list[ua.ReferenceDescription], bytes | None]] = OrderedDict()

    async def page(self, parent: str | None, cursor: str | None) -> NodePage:
        """A page of what is below ``parent``, or below the folder *Objects*."""
        elements: list[Node] = []
        if cursor is not None:
            if cursor not in self._left:
                raise Conflict(
                    "This page is not kept any more.",
                    code="connectors.opcua_page_gone",
                    hint="Browse the node again from the beginning.",
                )
            found, point = self._left.pop(cursor)
            if not found and point:
                found, point = await self._next(point)
        else:
            address = parse(parent) if parent else None
            node: ua.NodeId | None = ua.NodeId(ua.ObjectIds.ObjectsFolder)
            if address is not None:
                node = node_id(address, self._link.namespaces)
            if node is None:
                raise refusals.of_operation(str(address), ua.StatusCodes.BadNodeIdUnknown)
            if address is not None and address.index:
                return NodePage(items=[])
            ((found, point),) = await self.references([node], PAGE)
            if address is not None:
                elements = await self._elements(node)
        shown, rest = found[:PAGE], found[PAGE:]
        cursor = await self._keep(rest, point) if rest or point else None
        return NodePage(items=elements + await self._described(shown), next=cursor)

    async def _keep(self, rest: list[ua.ReferenceDescription], point: bytes | None) -> str:
        cursor = secrets.token_hex(8)
        self._left[cursor] = (rest, point)
        while len(self._left) > _KEPT_PAGES:
            _, (_, old) = self._left.popitem(last=False)
            if old:
                await self._release([old])
        return cursor

    async def references(
        self, nodes: Sequence[ua.NodeId], most: int, direction: ua.BrowseDirection = ua.BrowseDirection.Forward
    ) -> list[tuple[list[ua.ReferenceDescription], bytes | None]]:
        """The first references of each node, and where the rest continues; raises for one node that is not there."""
        found: list[tuple[list[ua.ReferenceDescription], bytes | None]] = []
        while len(found) < len(nodes):
            size = self._link.limits["browse"]
            request = ua.BrowseRequest()
            request.Parameters.RequestedMaxReferencesPerNode = most
            for node in nodes[len(found) : len(found) + size]:
                wanted = ua.BrowseDescription()
                wanted.NodeId = node
                wanted.BrowseDirection = direction
                wanted.ReferenceTypeId = _HIERARCHICAL
                wanted.IncludeSubtypes = True
                wanted.NodeClassMask = int(_MASK)
                wanted.ResultMask = int(ua.BrowseResultMask.All)
                request.Parameters.NodesToBrowse.append(wanted)
            try:
                answer = ua.ua_binary.struct_from_binary(ua.BrowseResponse, await self._link.ask(request))
            except ua.UaStatusCodeError as error:
                self._link.shrink("browse", size, error)
                continue
            if len(answer.Results or []) != len(request.Parameters.NodesToBrowse):
                raise refusals.lost(self._link.url, "it answered fewer nodes than were asked for")
            for result in answer.Results:
                if not result.StatusCode.is_good() and len(nodes) == 1:
                    raise refusals.of_operation("Browsing", result.StatusCode.value)
                found.append((list(result.References or []), result.ContinuationPoint or None))
        return found

    async def _next(self, point: bytes) -> tuple[list[ua.ReferenceDescription], bytes | None]:
        request = ua.BrowseNextRequest()
        request.Parameters.ReleaseContinuationPoints = False
        request.Parameters.ContinuationPoints = [point]
        answer = ua.ua_binary.struct_from_binary(ua.BrowseNextResponse, await self._link.ask(request))
        (result,) = answer.Parameters.Results
        if not result.StatusCode.is_good():
            raise refusals.of_operation("Browsing", result.StatusCode.value)
        return list(result.References or []), result.ContinuationPoint or None

    async def _release(self, points: list[bytes]) -> None:
        request = ua.BrowseNextRequest()
        request.Parameters.ReleaseContinuationPoints = True
        request.Parameters.ContinuationPoints = points
        with suppress(ua.UaError):
            await self._link.ask(request)

    # --- what is known of the nodes ----------------------------------------------------------------------------------

    async def _described(self, found: Sequence[ua.ReferenceDescription]) -> list[Node]:
        here: dict[ua.NodeId, ua.ReferenceDescription] = {}
        for reference in found:
            if not getattr(reference.NodeId, "ServerIndex", 0):  # else it is on another server
                here.setdefault(self._local(reference.NodeId), reference)
        variables = [node for node, reference in here.items() if reference.NodeClass == ua.NodeClass.Variable]
        children = await self.references(variables, 0) if variables else []
        below = dict(zip(variables, children, strict=True))
        facts = await self._facts(variables, below)
        nodes = []
        for node, reference in here.items():
            address = str(of_node_id(node, self._link.namespaces))
            name = reference.DisplayName.Text or reference.BrowseName.Name or address
            if reference.NodeClass == ua.NodeClass.Variable:
                nodes.append(self._variable(address, name, facts[node], bool(below[node][0])))
            elif reference.NodeClass == ua.NodeClass.Method:
                nodes.append(Node(address=address, name=name, kind="method"))
            else:
                nodes.append(Node(address=address, name=name, kind="folder", has_children=True))
        return nodes

    def _local(self, node: ua.NodeId) -> ua.NodeId:
        """A node id without the namespace's URI, which a server may give instead of its number."""
        if isinstance(node, ua.ExpandedNodeId):
            number = node.NamespaceIndex
            if node.NamespaceUri and node.NamespaceUri in self._link.namespaces:
                number = self._link.namespaces.index(node.NamespaceUri)
            return ua.NodeId(node.Identifier, number)
        return node

    async def _facts(self, variables: Sequence[ua.NodeId], below: dict[ua.NodeId, Any]) -> dict[ua.NodeId, list[Any]]:
        wanted = [value_id(node, attribute) for node in variables for attribute in _ATTRIBUTES]
        unit_of: list[ua.NodeId] = []
        for node in variables:
            for reference in below[node][0]:
                if reference.BrowseName.Name == "EngineeringUnits":
                    unit_of.append(node)
                    wanted.append(value_id(self._local(reference.NodeId)))
                    break
        read = await self._link.variants(wanted) if wanted else []
        width = len(_ATTRIBUTES)
        facts: dict[ua.NodeId, list[Any]] = {
            node: [variant for variant, _ in read[place * width : (place + 1) * width]] + [None]
            for place, node in enumerate(variables)
        }
        for node, (variant, _) in zip(unit_of, read[len(variables) * width :], strict=True):
            facts[node][-1] = units.ucum(variant.Value) if variant is not None else None
        return facts

    def _variable(self, address: str, name: str, facts: Sequence[Any], has_properties: bool) -> Node:
        data_type, rank, access, description, value, unit = facts
        is_array = (rank is not None and isinstance(rank.Value, int) and rank.Value >= 0) or (
            value is not None and isinstance(value.Value, list)
        )
        return Node(
            address=address,
            name=name,
            kind="variable",
            has_children=has_properties or is_array,
            type="string" if is_array else _type(data_type, value),
            unit=unit,
            writable=bool(access is not None and isinstance(access.Value, int) and access.Value & _WRITE),
            description=(description.Value.Text or "") if description is not None and description.Value else "",
            value=plain(value)[0],
        )

    async def _elements(self, node: ua.NodeId) -> list[Node]:
        """The elements of an array, which have no nodes of their own."""
        (value, _), (access, _) = await self._link.variants(
            [value_id(node), value_id(node, ua.AttributeIds.UserAccessLevel)]
        )
        if value is None or not isinstance(value.Value, list):
            return []
        writable = bool(access is not None and isinstance(access.Value, int) and access.Value & _WRITE)
        kind = type_of(value.VariantType)
        return [
            Node(
                address=str(of_node_id(node, self._link.namespaces, ",".join(map(str, place)))),
                name=f"[{', '.join(map(str, place))}]",
                kind="variable",
                type=kind,
                writable=writable,
                value=plain(value, place)[0],
            )
            for place in _places(value.Value)[: 10 * PAGE]
        ]


def _places(value: Any, above: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    if not isinstance(value, list):
        return [above]
    return [place for number, inner in enumerate(value) for place in _places(inner, (*above, number))]


def _type(data_type: Any, value: Any) -> ValueType | None:
    """By the data type where it is a standard one, else by the value."""
    node = data_type.Value if data_type is not None else None
    if isinstance(node, ua.NodeId) and not node.NamespaceIndex and isinstance(node.Identifier, int):
        number = int(node.Identifier)
        known = _ABSTRACT.get(number) or _DURATION_LIKE.get(number)
        if known:
            return known
        if 1 <= number <= 21:
            return type_of(ua.VariantType(number))
    return type_of(value.VariantType) if value is not None else None
