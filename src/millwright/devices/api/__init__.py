"""Routes below ``/api/v1``: places, models, devices with their credentials and certificates,
enrolment, arrivals, imports and exports of readings, vehicles; and EST at its well-known place."""

from millwright.devices.api.arrivals import ArrivalsController
from millwright.devices.api.bulk import ImportController
from millwright.devices.api.certificates import DeviceCertificatesController
from millwright.devices.api.devices import CredentialsController, DevicesController
from millwright.devices.api.edges import EdgeJoiningController, EdgesController
from millwright.devices.api.enrolment import WELL_KNOWN, EnrolmentController
from millwright.devices.api.history_export import ReadingExportsController
from millwright.devices.api.history_import import ReadingImportsController
from millwright.devices.api.models import ModelsController
from millwright.devices.api.places import PlacesController
from millwright.devices.commands.api import ROUTES as COMMANDS
from millwright.devices.edge.upgrade.api import ROUTES as EDGE_UPGRADES
from millwright.devices.location.api import ROUTES as LOCATION
from millwright.devices.network.api import ROUTES as NETWORKS
from millwright.devices.vehicles.api import VehiclesController

ROUTES = [
    PlacesController,
    ModelsController,
    ImportController,
    DevicesController,
    CredentialsController,
    DeviceCertificatesController,
    EnrolmentController,
    ArrivalsController,
    *COMMANDS,
    ReadingImportsController,
    ReadingExportsController,
    EdgesController,
    EdgeJoiningController,
    *NETWORKS,
    *LOCATION,
    VehiclesController,
    *EDGE_UPGRADES,
]
"""What the web host mounts."""

__all__ = ["ROUTES", "WELL_KNOWN"]
