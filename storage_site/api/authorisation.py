"""Who may call what: one table, route and method (or action) → rule; what is not in it is refused.

Each app contributes the rows of its own routes, beside its URL conf; a test walks all URLs and compares.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from storage_site.caller import Caller
from storage_site.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Rule:
    """One cell of the table: whom it admits, and the name of the policy in the refusal."""

    policy: str
    admits: Callable[[Caller], bool]
    is_public: bool = False


Rules = Mapping[str, Mapping[str, Rule]]

TABLE: dict[str, Mapping[str, Rule]] = {}


def is_reader(caller: Caller) -> bool:
    """Tell whether `caller` may look at the things of its project."""
    return caller.is_admin or (bool(caller.project_id) and caller.may_read)


def is_member(caller: Caller) -> bool:
    """Tell whether `caller` may change the things of its project."""
    return caller.is_admin or (bool(caller.project_id) and caller.may_write)


def is_admin(caller: Caller) -> bool:
    """Tell whether `caller` administers the service."""
    return caller.is_admin


def public() -> Rule:
    """Return the rule of what needs no token."""
    return Rule("", lambda _caller: True, is_public=True)


def anyone(policy: str) -> Rule:
    """Return the rule that admits every valid token."""
    return Rule(policy, lambda _caller: True)


def reader(policy: str) -> Rule:
    """Return the rule that admits readers of the project."""
    return Rule(policy, is_reader)


def member(policy: str) -> Rule:
    """Return the rule that admits members of the project."""
    return Rule(policy, is_member)


def admin(policy: str) -> Rule:
    """Return the rule that admits administrators."""
    return Rule(policy, is_admin)


def register(rules: Rules) -> None:
    """Add the rows of an app. :raises ValueError: if a route has a row already that says something else."""
    for route, row in rules.items():
        if TABLE.setdefault(route, row) is not row:
            message = f"the route {route!r} is in the authorisation table already"
            raise ValueError(message)


def is_public(route: str) -> bool:
    """Tell whether the whole of `route` needs no token."""
    row = TABLE.get(route, {})
    return bool(row) and all(rule.is_public for rule in row.values())


class RouteAuthorisation(BasePermission):
    """Admits a request as the table says."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Admit `request`.

        :raises NotAuthenticated: if there is no valid token.
        :raises Forbidden: if the table does not admit the caller, or knows nothing of the call.
        """
        rule = TABLE.get(view.route, {}).get(view.rule_key())
        if rule is not None and rule.is_public:
            return True
        if request.user is None:
            raise NotAuthenticated
        if rule is None:
            raise Forbidden("Policy doesn't allow this to be performed.")
        if not rule.admits(request.user):
            message = f"Policy doesn't allow {rule.policy} to be performed."
            raise Forbidden(message)
        return True
