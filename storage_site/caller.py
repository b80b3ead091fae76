"""Who asks: the identity that a request, a console action or a command acts with."""

from dataclasses import dataclass, field

ADMIN, MEMBER, READER, SERVICE = "admin", "member", "reader", "service"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user, scoped to a project, with the roles held there.

    `project_id` is "" for an unscoped token. `is_service` says that the request also carried a valid
    service token (contract: X-Service-Token). `request_id` is the id answered as x-openstack-request-id. `token` is
    what the request was made with, to ask other services in the same name, and `compute_url` where its catalog has the
    compute service; neither is written anywhere.
    """

    user_id: str
    user_name: str = ""
    project_id: str = ""
    roles: frozenset[str] = field(default_factory=frozenset)
    is_service: bool = False
    request_id: str = ""
    token: str = field(default="", repr=False, compare=False)
    compute_url: str = field(default="", repr=False, compare=False)

    # Django and DRF ask these of anything that stands in request.user.
    is_authenticated = True
    is_anonymous = False
    is_active = True

    @property
    def pk(self) -> str:
        """Return the user's id."""
        return self.user_id

    @property
    def is_admin(self) -> bool:
        """Tell whether the caller administers the whole service."""
        return ADMIN in self.roles

    @property
    def may_write(self) -> bool:
        """Tell whether the caller may change things in its own project."""
        return bool(self.roles & {ADMIN, MEMBER})

    @property
    def may_read(self) -> bool:
        """Tell whether the caller may look at things in its own project."""
        return bool(self.roles & {ADMIN, MEMBER, READER, SERVICE})


SYSTEM = Caller(user_id="", user_name="celinder", roles=frozenset({ADMIN}))
