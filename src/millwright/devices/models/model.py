"""The document of a thing model."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from millwright.kernel import ROOT

PropertyType = Literal["number", "integer", "boolean", "string"]


class Parameter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value that an event carries, or that a service takes or gives."""

    name: Annotated[str, Meta(description="Unique in its list.", examples=["setpoint"])]
    type: PropertyType = "number"
    title: str | None = None
    title_zh: str | None = None
    unit: Annotated[str | None, Meta(description="UCUM code; for numbers only.", examples=["kW"])] = None
    minimum: Annotated[float | None, Meta(description="Smallest sensible value, inclusive.")] = None
    maximum: Annotated[float | None, Meta(description="Largest sensible value, inclusive.")] = None


class PropertySpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A property: its name as the device sends it, its type, unit (UCUM) and sensible range."""

    name: Annotated[str, Meta(description="As the device sends it.", examples=["discharge_pressure"])]
    type: PropertyType = "number"
    title: Annotated[str | None, Meta(examples=["Discharge pressure"])] = None
    title_zh: Annotated[str | None, Meta(examples=["出口压力"])] = None
    description: str | None = None
    unit: Annotated[str | None, Meta(description="UCUM code; for numbers only.", examples=["kPa"])] = None
    minimum: Annotated[float | None, Meta(description="Smallest sensible value, inclusive.", examples=[0])] = None
    maximum: Annotated[float | None, Meta(description="Largest sensible value, inclusive.", examples=[1600])] = None
    writable: Annotated[bool, Meta(description="Whether a person or an app may set it.")] = False


class EventSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happens to the thing, with the values it carries."""

    name: str
    title: str | None = None
    title_zh: str | None = None
    level: Literal["info", "warning", "error"] = "info"
    parameters: tuple[Parameter, ...] = ()


class ServiceSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something the thing can be asked to do."""

    name: str
    title: str | None = None
    title_zh: str | None = None
    inputs: tuple[Parameter, ...] = ()
    outputs: tuple[Parameter, ...] = ()


class ModelDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a version of a model says; also its form in a file."""

    name: Annotated[str, Meta(description="Unique among models.", examples=["Centrifugal pump"])]
    title: str | None = None
    title_zh: str | None = None
    description: str | None = None
    properties: tuple[PropertySpec, ...] = ()
    events: tuple[EventSpec, ...] = ()
    services: tuple[ServiceSpec, ...] = ()


class Model(Struct, frozen=True, kw_only=True):
    """A version of a model as the API shows it; ``device_count`` counts the devices on any version."""

    id: str
    version: int
    created_ms: int
    name: str
    title: str | None = None
    title_zh: str | None = None
    description: str | None = None
    properties: tuple[PropertySpec, ...] = ()
    events: tuple[EventSpec, ...] = ()
    services: tuple[ServiceSpec, ...] = ()
    device_count: int = 0
    organisation_id: str = ROOT

    @property
    def document(self) -> ModelDocument:
        """The document alone, as it would be exported."""
        return ModelDocument(
            name=self.name,
            title=self.title,
            title_zh=self.title_zh,
            description=self.description,
            properties=self.properties,
            events=self.events,
            services=self.services,
        )
