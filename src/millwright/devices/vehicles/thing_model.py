"""The ready thing model of a vehicle: every value that a report of either edition can hold, in English and Chinese.

Cells, probes and what makers define are not in it: how many there are is a vehicle's own. They are kept all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from millwright.devices.models import Model, ModelDocument, Parameter, PropertySpec, PropertyType, ServiceSpec
from millwright.devices.vehicles import layouts, parameters
from millwright.devices.vehicles.layouts import Field
from millwright.devices.vehicles.topics import MODEL_NAME

MOTORS, STORAGES = 4, 4
"""Numbered parts that are declared; more are kept too."""


def document() -> ModelDocument:
    """The model."""
    found = {each.name: each for each in _properties()}
    return ModelDocument(
        name=MODEL_NAME,
        title="Electric vehicle (GB/T 32960)",
        title_zh="电动汽车（GB/T 32960）",
        description="What terminals report after GB/T 32960.3, editions of 2016 and 2025.",
        properties=tuple(found.values()),
        services=tuple(_services()),
    )


def _properties() -> Iterator[PropertySpec]:
    for each in layouts.VEHICLE_2016:
        yield _of(each)
    yield PropertySpec(name="driving_force", type="boolean", title="Driving force", title_zh="有驱动力")
    yield PropertySpec(name="braking_force", type="boolean", title="Braking force", title_zh="有制动力")
    yield PropertySpec(name="location_valid", type="boolean", title="Location is valid", title_zh="定位有效")
    for name, title, zh, most in (("longitude", "Longitude", "经度", 180), ("latitude", "Latitude", "纬度", 90)):
        yield PropertySpec(name=name, title=title, title_zh=zh, unit="deg", minimum=-most, maximum=most)
    for each in (*layouts.EXTREMES_2016, layouts.LEVEL):
        yield _of(each)
    for name, title, zh in layouts.ALARMS:
        yield PropertySpec(name=f"alarm.{name}", type="boolean", title=title, title_zh=zh)
    for kind, title, zh in zip(
        layouts.FAULTS,
        ("Storage faults", "Motor faults", "Engine faults", "Other faults"),
        ("可充电储能装置故障总数", "驱动电机故障总数", "发动机故障总数", "其他故障总数"),
        strict=True,
    ):
        yield PropertySpec(name=f"alarm.{kind}_faults", type="integer", title=title, title_zh=zh)
        yield PropertySpec(
            name=f"alarm.{kind}_codes", type="string", title=f"{title}: codes", title_zh=f"{zh[:-2]}代码列表"
        )
    for number in range(1, MOTORS + 1):
        yield from _numbered(layouts.MOTOR_2016, number)
    for number in range(1, STORAGES + 1):
        yield from _numbered(layouts.STORAGE, number)
    for each in (*layouts.ENGINE_2016, *layouts.FUEL_CELL_2016, *layouts.HYDROGEN_2016):
        yield _of(each)
    yield PropertySpec(name="iccid", type="string", title="ICCID of the SIM card", title_zh="ICCID")
    yield PropertySpec(name="login_number", type="integer", title="Login number", title_zh="登入流水号")
    yield PropertySpec(name="storage_codes", type="string", title="Storage codes", title_zh="可充电储能系统编码")
    yield PropertySpec(name="vin_fault", type="string", title="What is wrong with the VIN", title_zh="VIN校验问题")
    yield PropertySpec(name="abnormal", type="string", title="Values marked abnormal", title_zh="标记为异常的数据项")

    for parameter in parameters.PARAMETERS:
        yield _of_parameter(parameter)


def _of_parameter(each: parameters.Parameter) -> PropertySpec:
    scale, ranged = 10**each.digits, each.most > 0
    kind: PropertyType = "boolean" if each.flag else "string" if each.text else "number" if each.digits else "integer"
    return PropertySpec(
        name=each.name,
        type=kind,
        title=each.title,
        title_zh=each.title_zh,
        unit=each.unit,
        minimum=each.least / scale if ranged else None,
        maximum=each.most / scale if ranged else None,
        writable=each.settable,
    )


def _services() -> Iterator[ServiceSpec]:
    names = Parameter(
        name=parameters.NAMES_INPUT, type="string", title="Which; empty: all", title_zh="参数名；留空为全部"
    )
    yield ServiceSpec(
        name=parameters.QUERY_SERVICE, title="Ask for its parameters", title_zh="查询终端参数", inputs=(names,)
    )
    level = Parameter(
        name=parameters.LEVEL_INPUT, type="integer", title="Level", title_zh="报警等级", minimum=0, maximum=3
    )
    for each in parameters.CONTROLS:
        inputs = (level,) if each.levelled else ()
        yield ServiceSpec(name=each.name, title=each.title, title_zh=each.title_zh, inputs=inputs)


def document_of(model: Model) -> ModelDocument:
    """What a version says, to be added to."""
    return ModelDocument(**{name: getattr(model, name) for name in ModelDocument.__struct_fields__})


def with_commands(known: ModelDocument) -> ModelDocument | None:
    """A model with what it lacks to command terminals; ``None`` when it lacks nothing."""
    whole = document()
    has = {each.name for each in known.properties}
    asked = {each.name for each in known.services}
    properties = tuple(each for each in whole.properties if each.name in parameters.BY_NAME and each.name not in has)
    services = tuple(each for each in whole.services if each.name not in asked)
    if not properties and not services:
        return None
    return structs.replace(known, properties=known.properties + properties, services=known.services + services)


def _numbered(fields: tuple[Field, ...], number: int) -> Iterator[PropertySpec]:
    for each in fields:
        yield _of(
            each._replace(
                name=each.name.replace("{n}", str(number)),
                title=each.title.replace("{n}", str(number)),
                title_zh=each.title_zh.replace("{n}", str(number)),
            )
        )


def _of(field: Field) -> PropertySpec:
    return PropertySpec(
        name=field.name,
        type="number" if field.digits else "integer",
        title=field.title,
        title_zh=field.title_zh,
        description=field.meaning or None,
        unit=field.unit,
        minimum=None if field.most is None else -field.zero / 10**field.digits,
        maximum=None if field.most is None else (field.most - field.zero) / 10**field.digits,
    )
