"""Verbs on one resource: POST …/action with a single member, whose name says which."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from storage_site.api.answers import Empty
from storage_site.api.errors import MALFORMED_BODY
from storage_site.api.serializers import StrictSerializer
from storage_site.api.views import ResourceView
from storage_site.errors import InvalidRequest

Verb = Callable[..., dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Action:
    """What an action is: the method that runs it, what it reads, since when it exists, its success status."""

    run: Verb
    reads: type[StrictSerializer] | None
    since: str
    status: int


def action(
    name: str, *, reads: type[StrictSerializer] | None = None, since: str = "3.0", status: int = 202
) -> Callable[[Verb], Verb]:
    """Declare a method of an ActionView as the action `name`.

    The method takes the resource, and what `reads` found in the value of the action as keyword arguments; without
    `reads` any value will do. It returns the body of the answer, None for an empty one.
    """

    def declare(method: Verb) -> Verb:
        method.action = name, Action(method, reads, since, status)  # type: ignore[attr-defined]
        return method

    return declare


class ActionView(ResourceView):
    """Runs the action that the body names. Unknown ones are refused before the resource is looked for.

    People with a browser get a page at the path, from which to run one.
    """

    decides_by_body = True
    actions: ClassVar[dict[str, Action]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Collect the actions that the class and its ancestors declare."""
        super().__init_subclass__(**kwargs)
        declared = [vars(ancestor).values() for ancestor in reversed(cls.__mro__)]
        cls.actions = dict(member.action for members in declared for member in members if hasattr(member, "action"))

    @property
    def allowed_methods(self) -> list[str]:
        """Return POST; only people can GET the page."""
        renderer = getattr(getattr(self, "request", None), "accepted_renderer", None)
        return ["GET", "POST"] if getattr(renderer, "is_for_people", False) else ["POST"]

    def rule_key(self) -> str:
        """Return the action's name.

        :raises ParseError: if the body is no object with a single member.
        :raises InvalidRequest: if there is no body, or no such action.
        """
        if self.request.method == "GET":
            return "GET"
        body = self.body()
        name = None
        if body is not None:
            if not isinstance(body, dict) or len(body) != 1:
                raise ParseError(MALFORMED_BODY)
            name = next(iter(body))
        if name not in self.actions:
            message = f"There is no such action: {name}. Verify the request body and Content-Type header and try again."
            raise InvalidRequest(message)
        return str(name)

    def since_of_call(self) -> str:
        """Return the microversion from which the action exists."""
        name = self.rule_key()
        return self.actions[name].since if name in self.actions else super().since_of_call()

    def get(self, request: Request, **_kwargs: Any) -> Response:
        """Show which actions there are."""
        return Response(
            {"actions": [name for name, each in self.actions.items() if request.version.covers(each.since)]}
        )

    def post(self, request: Request, **_kwargs: Any) -> Response:
        """Run the action."""
        name = self.rule_key()
        chosen = self.actions[name]
        values = self._values_of(name, chosen.reads, request.data[name]) if chosen.reads else {}
        answer = chosen.run(self, self.get_object(), **values)
        return Empty(chosen.status) if answer is None else Response(answer, status=chosen.status)

    def _values_of(self, name: str, reads: type[StrictSerializer], value: Any) -> dict[str, Any]:
        serializer = reads(context={**self.get_serializer_context(), "label": name})
        return dict(serializer.run_validation(value))
