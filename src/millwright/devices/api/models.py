"""Routes of thing models."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter

from millwright.devices.models import Model, ModelDocument
from millwright.devices.rights import MODELS_READ, MODELS_WRITE
from millwright.devices.service import DevicesService
from millwright.parties import permit

Id = Annotated[str, Parameter(description="The model.", max_length=64)]
Version = Annotated[int | None, Parameter(description="Absent: the latest.", ge=1, le=2_147_483_647)]


class ModelsController(Controller):
    """Thing models (物模型)."""

    path = "/models"
    tags = ["Models"]  # noqa: RUF012

    @get("/", summary="Models", operation_id="listModels", guards=[permit(MODELS_READ)])
    async def list_models(self, devices: NamedDependency[DevicesService]) -> list[Model]:
        """The latest version of every model, by name."""
        return await devices.models.list()

    @post("/", summary="Add a model", operation_id="addModel", guards=[permit(MODELS_WRITE)])
    async def add(self, data: JSONBody[ModelDocument], devices: NamedDependency[DevicesService]) -> Model:
        """Version 1 of a new model. An error names the value by a JSON pointer in its `detail`."""
        return await devices.models.create(data)

    @get("/{model_id:str}", summary="A model", operation_id="getModel", guards=[permit(MODELS_READ)])
    async def model(self, model_id: Id, devices: NamedDependency[DevicesService], version: Version = None) -> Model:
        """A version of a model, the latest if none is named."""
        return await devices.models.get(model_id, version)

    @get(
        "/{model_id:str}/document",
        summary="A model's document",
        operation_id="getModelDocument",
        guards=[permit(MODELS_READ)],
    )
    async def document(
        self, model_id: Id, devices: NamedDependency[DevicesService], version: Version = None
    ) -> ModelDocument:
        """The document alone: what `POST /models` takes, here or on another node."""
        return (await devices.models.get(model_id, version)).document

    @get(
        "/{model_id:str}/versions",
        summary="A model's versions",
        operation_id="listModelVersions",
        guards=[permit(MODELS_READ)],
    )
    async def versions(self, model_id: Id, devices: NamedDependency[DevicesService]) -> list[Model]:
        """Every version, newest first."""
        return await devices.models.versions(model_id)

    @post(
        "/{model_id:str}/versions",
        summary="Add a version",
        operation_id="addModelVersion",
        guards=[permit(MODELS_WRITE)],
    )
    async def add_version(
        self,
        model_id: Id,
        data: JSONBody[ModelDocument],
        devices: NamedDependency[DevicesService],
        upgrade: Annotated[bool, Parameter(description="Move every device of the model to the new version.")] = False,
    ) -> Model:
        """The next version; versions are never changed. Devices stay on theirs unless `upgrade` is true.

        A document that says what the latest version says makes no new one: that version is answered.
        """
        return await devices.models.add_version(model_id, data, upgrade=upgrade)

    @delete("/{model_id:str}", summary="Remove a model", operation_id="deleteModel", guards=[permit(MODELS_WRITE)])
    async def remove(self, model_id: Id, devices: NamedDependency[DevicesService]) -> None:
        """Remove a model with all its versions; refused while a device uses it."""
        await devices.models.delete(model_id)
