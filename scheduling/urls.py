"""The paths of scheduling."""

from scheduling.authorisation import RULES
from scheduling.views import BackendCapabilities, Pools
from storage_site.api import authorisation
from storage_site.api.routes import resource

authorisation.register(RULES)

urlpatterns = [
    resource("scheduler-stats/get_pools", Pools, "scheduler-pools"),
    resource("capabilities/{host}", BackendCapabilities, "capabilities"),
]
