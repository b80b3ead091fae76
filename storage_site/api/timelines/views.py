"""The timeline of one resource: this service's own, the same in all versions."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.timelines.serializers import AdvisedOperation, Event
from storage_site.api.views import ResourceView
from storage_site.operations.advice import NOTHING
from storage_site.operations.history import label_of
from storage_site.operations.models import Operation, Transition

MOST_EVENTS = 100
"""The newest ones; the list of operations has the others in pages."""


class TimelineView(ResourceView):
    """What happened to a resource, the newest first, what it waits for, and what can be done.

    A view for each kind of resource says by `rows` which ones the caller may see.
    """

    def get(self, _request: Request, **_kwargs: Any) -> Response:
        """Show it."""
        resource = self.get_object()
        mine = {"resource_type": label_of(resource), "resource_id": resource.pk}
        events = Transition.objects.filter(**mine).select_related("operation").order_by("-id")[:MOST_EVENTS]
        operations = list(Operation.objects.filter(**mine, outcome="").order_by("-serial")[:MOST_EVENTS])
        last = Operation.objects.filter(**mine).exclude(outcome="").order_by("-serial").first()
        concerned = operations or ([last] if last and last.outcome == Operation.FAILED else [])
        told = self.written(AdvisedOperation, concerned, many=True)
        return Response(
            {
                "timeline": {
                    "resource_id": str(resource.pk),
                    "status": resource.status,
                    "waits_for": told if operations else [],
                    "last_failure": told[0] if concerned and not operations else None,
                    "advice": told[0]["advice"] if told else NOTHING,
                    "events": self.written(Event, events, many=True),
                }
            }
        )
