"""Writing a value as the type that its node has (IEC 62541-4, 5.10.4)."""

from __future__ import annotations

from typing import Any, Final

from asyncua import ua

from millwright.devices.connectors.contract import Value
from millwright.devices.connectors.opcua import refusals
from millwright.devices.connectors.opcua.address import Address
from millwright.devices.connectors.opcua.link import Link, value_id
from millwright.devices.connectors.opcua.values import unfit, variant_of
from millwright.kernel import Invalid, Unsupported

_DEEPEST: Final = 16
_BUILT_IN: Final = 25
_CONCRETE: Final = {
    26: ua.VariantType.Double,
    27: ua.VariantType.Int64,
    28: ua.VariantType.UInt64,
    29: ua.VariantType.Int32,
}
"""What is written where a node takes any Number, Integer or UInteger, or an Enumeration."""


async def write(link: Link, address: Address, node: ua.NodeId, value: Value) -> None:
    """Write it. Raises ``Invalid`` when it does not fit, ``Denied`` when the server refuses."""
    (data_type, status), (rank, _), (current, _), (part, _) = await link.variants(
        [
            value_id(node, ua.AttributeIds.DataType),
            value_id(node, ua.AttributeIds.ValueRank),
            value_id(node),
            value_id(node, index=address.index),
        ]
    )
    if data_type is None or not isinstance(data_type.Value, ua.NodeId):
        raise refusals.of_operation(str(address), status)
    kind = await built_in(link, data_type.Value, current)
    if kind is None:
        raise Unsupported(
            f"{address} is a structure, which is not written as a whole.",
            code="connectors.opcua_structure",
            hint="Write its parts, where the server shows them.",
        )
    is_array = (rank is not None and isinstance(rank.Value, int) and rank.Value >= 0) or (
        current is not None and isinstance(current.Value, list)
    )
    wanted = ua.WriteValue()
    wanted.NodeId, wanted.AttributeId = node, ua.AttributeIds.Value
    if address.index:
        _check_part(address, part)
        wanted.IndexRange = address.index
        variant = variant_of(value, kind, str(address))
        depth = len(address.element or ())
        variant = ua.Variant([variant.Value], kind, [1] * depth if depth > 1 else None, is_array=True)
    elif is_array:
        raise unfit(str(address), value, kind, "it is an array; write its elements, as index=0;" + str(address))
    else:
        variant = variant_of(value, kind, str(address))
    # No status and no times: many controllers take the value alone (Bad_WriteNotSupported).
    wanted.Value = ua.DataValue(variant, StatusCode=None)
    request = ua.WriteRequest()
    request.Parameters.NodesToWrite = [wanted]
    answer = ua.ua_binary.struct_from_binary(ua.WriteResponse, await link.ask(request))
    answer.ResponseHeader.ServiceResult.check()
    (result,) = answer.Results
    if not result.is_good():
        raise refusals.of_operation(str(address), result.value)


def _check_part(address: Address, part: Any) -> None:
    if address.element is None:
        raise Invalid(
            f"{address} is more than one element.",
            code="connectors.opcua_value_refused",
            hint="Write one element at a time, as in index=3;ns=2;s=Temperatures.",
        )
    if part is None or part.Value is None:
        raise refusals.of_operation(str(address), ua.StatusCodes.BadIndexRangeNoData)
    value = part.Value
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list):  # it took no notice of the range, and would overwrite the whole
        raise refusals.unsupported(str(address), "it ignores index ranges")


async def built_in(link: Link, data_type: ua.NodeId, current: ua.Variant | None = None) -> ua.VariantType | None:
    """The built-in type behind a data type: by its supertypes; ``None`` for structures."""
    if current is not None and current.Value is not None and current.VariantType is not ua.VariantType.ExtensionObject:
        kind: Any = current.VariantType
        return kind if isinstance(kind, ua.VariantType) else None
    node = data_type
    for _ in range(_DEEPEST):
        if not node.NamespaceIndex and isinstance(node.Identifier, int):
            number = int(node.Identifier)
            if number in _CONCRETE:
                return _CONCRETE[number]
            if 1 <= number <= _BUILT_IN:
                return None if number == ua.ObjectIds.Structure else ua.VariantType(number)
        request = ua.BrowseRequest()
        above = ua.BrowseDescription()
        above.NodeId, above.BrowseDirection = node, ua.BrowseDirection.Inverse
        above.ReferenceTypeId, above.IncludeSubtypes = ua.NodeId(ua.ObjectIds.HasSubtype), True
        request.Parameters.NodesToBrowse = [above]
        answer = ua.ua_binary.struct_from_binary(ua.BrowseResponse, await link.ask(request))
        references = answer.Results[0].References if answer.Results else None
        if not references:
            return None
        found = references[0].NodeId
        node = ua.NodeId(found.Identifier, found.NamespaceIndex)
    return None
