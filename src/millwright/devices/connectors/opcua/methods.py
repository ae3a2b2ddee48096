"""Calling methods (IEC 62541-4, 5.11): arguments by name, each as the type that the method declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asyncua import ua

from millwright.devices.connectors.contract import Value
from millwright.devices.connectors.opcua import refusals
from millwright.devices.connectors.opcua.browsing import Browser
from millwright.devices.connectors.opcua.link import Link, value_id
from millwright.devices.connectors.opcua.values import plain, status_name, unfit, variant_of
from millwright.devices.connectors.opcua.writing import built_in
from millwright.kernel import Invalid, Unsupported


async def call(
    link: Link, browser: Browser, address: str, node: ua.NodeId, inputs: Mapping[str, Value]
) -> Mapping[str, Value]:
    """Call the method on the object that it belongs to. Raises ``Invalid``, ``Denied``."""
    node_class, status = await link.attribute(node, ua.AttributeIds.NodeClass)
    if node_class != ua.NodeClass.Method:
        if status:
            raise refusals.of_operation(address, status)
        raise Invalid(
            f"{address} is no method.",
            code="connectors.opcua_no_method",
            hint="Browse the server: methods are shown as such.",
        )
    wanted, given = await _arguments(link, browser, node)
    names = [argument.Name or f"argument {place}" for place, argument in enumerate(wanted)]
    if unknown := sorted(set(inputs) - set(names)):
        raise _wrong(address, f"it has no argument {', '.join(unknown)}", names)
    if missing := [name for name in names if name not in inputs]:
        raise _wrong(address, f"the argument {', '.join(missing)} is missing", names)
    request = ua.CallMethodRequest()
    request.MethodId = node
    request.ObjectId = await _object(browser, address, node)
    request.InputArguments = [
        await _argument(link, argument, name, inputs[name]) for argument, name in zip(wanted, names, strict=True)
    ]
    whole = ua.CallRequest()
    whole.Parameters.MethodsToCall = [request]
    answer = ua.ua_binary.struct_from_binary(ua.CallResponse, await link.ask(whole))
    answer.ResponseHeader.ServiceResult.check()
    (result,) = answer.Results
    _check(address, result, names)
    outputs: dict[str, Value] = {}
    for place, variant in enumerate(result.OutputArguments or []):
        declared = given[place].Name if place < len(given) else None
        outputs[declared or f"output {place}"] = plain(variant)[0]
    return outputs


def _check(address: str, result: ua.CallMethodResult, names: Sequence[str]) -> None:
    if result.StatusCode.is_good():
        return
    for name, status in zip(names, result.InputArgumentResults or [], strict=False):
        if not status.is_good():
            raise _wrong(address, f"the server refuses the argument {name} ({status_name(status.value)})", names)
    raise refusals.of_operation(address, result.StatusCode.value)


async def _object(browser: Browser, address: str, node: ua.NodeId) -> ua.NodeId:
    ((above, _),) = await browser.references([node], 0, ua.BrowseDirection.Inverse)
    for reference in above:
        if reference.NodeClass == ua.NodeClass.Object:
            return ua.NodeId(reference.NodeId.Identifier, reference.NodeId.NamespaceIndex)
    raise Unsupported(
        f"{address} belongs to no object.",
        code="connectors.opcua_method_alone",
        hint="Call the method below the object that has it, not the one of its type.",
    )


async def _arguments(link: Link, browser: Browser, node: ua.NodeId) -> tuple[list[Any], list[Any]]:
    """The declared inputs and outputs."""
    ((below, _),) = await browser.references([node], 0)
    found: dict[str, ua.NodeId] = {}
    for reference in below:
        if reference.BrowseName.Name in ("InputArguments", "OutputArguments"):
            found[reference.BrowseName.Name] = ua.NodeId(reference.NodeId.Identifier, reference.NodeId.NamespaceIndex)
    read = await link.variants([value_id(one) for one in found.values()]) if found else []
    lists = {
        name: variant.Value if variant is not None and isinstance(variant.Value, list) else []
        for name, (variant, _) in zip(found, read, strict=True)
    }
    return lists.get("InputArguments", []), lists.get("OutputArguments", [])


async def _argument(link: Link, argument: Any, name: str, value: Value) -> ua.Variant:
    kind = await built_in(link, argument.DataType)
    if kind is None or argument.ValueRank >= 0:
        raise unfit(name, value, kind, "arrays and structures are not passed to methods")
    return variant_of(value, kind, name)


def _wrong(address: str, why: str, names: Sequence[str]) -> Invalid:
    return Invalid(
        f"{address} cannot be called: {why}.",
        code="connectors.opcua_arguments",
        hint=f"It takes: {', '.join(names) or 'nothing'}.",
    )
