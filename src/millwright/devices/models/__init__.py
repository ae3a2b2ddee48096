"""Thing models (物模型): what a kind of thing has and can do, in versions that never change.

A model declares *properties* (values in time), *events* (what happens to the thing) and *services* (what it can be
asked to do). A device names a model and one version of it; a new version leaves devices on theirs until moved.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.models.model import (
        EventSpec,
        Model,
        ModelDocument,
        Parameter,
        PropertySpec,
        PropertyType,
        ServiceSpec,
    )
    from millwright.devices.models.service import ModelService
    from millwright.devices.models.store import ModelStore

__getattr__ = exports(__name__)

__all__ = [
    "EventSpec",
    "Model",
    "ModelDocument",
    "ModelService",
    "ModelStore",
    "Parameter",
    "PropertySpec",
    "PropertyType",
    "ServiceSpec",
]
