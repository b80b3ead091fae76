"""The paths of operations."""

from storage_site.api import authorisation
from storage_site.api.operations import views
from storage_site.api.operations.authorisation import RULES
from storage_site.api.routes import resource

authorisation.register(RULES)

urlpatterns = [
    resource("operations", views.Operations, "operations"),
    resource("operations/{id}", views.OneOperation, "operation"),
]
