"""Speaking the API over Django's test client, as one caller."""

from typing import Any

from rest_framework.test import APIClient

from storage_site.api import elements
from storage_site.caller import Caller

NEWEST = "3.71"
XML = "application/xml"


class Calls:
    """Calls below /v3/{project}, at one microversion unless a call says otherwise; in JSON, or all in XML."""

    def __init__(self, caller: Caller | None, version: str | None = NEWEST, *, in_xml: bool = False) -> None:
        self.caller, self.version, self.in_xml = caller, version, in_xml
        self.client = APIClient()
        if caller is not None:
            self.client.force_authenticate(caller)  # type: ignore[arg-type]

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str | None = "",
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """Make a call; `path` below /v3 when it does not begin with one, in the caller's project."""
        chosen = self.version if version == "" else version
        sent = dict(headers or {})
        if chosen is not None:
            sent["OpenStack-API-Version"] = f"volume {chosen}"
        if not path.startswith(("/v3", "http")) and path != "/":
            path = f"/v3/{self.caller.project_id if self.caller else 'f' * 32}{path}"
        if self.in_xml:
            sent.setdefault("Accept", XML)
            if raw is None and body is not None:
                raw, content_type = elements.written(body), XML
        given: dict[str, Any] = {}
        if raw is not None:
            given = {"data": raw, "content_type": content_type}
        elif body is not None:
            given = {"data": body, "format": "json"}
        return getattr(self.client, method.lower())(path, headers=sent, **given)

    def ok(self, method: str, path: str, body: Any = None, *, status: int = 200, **rest: Any) -> Any:
        """Make a call that must succeed with `status`; return the body of its answer."""
        answer = self(method, path, body, **rest)
        assert answer.status_code == status, (answer.status_code, answer.content)
        return said(answer) if answer.content else None

    def refused(self, method: str, path: str, body: Any = None, **rest: Any) -> tuple[int, str, str]:
        """Make a call that must be refused; return the code, the name of the error and the message."""
        answer = self(method, path, body, **rest)
        assert answer.status_code >= 400, (answer.status_code, answer.content)
        [(name, error)] = said(answer).items()
        assert error["code"] == answer.status_code
        return answer.status_code, name, error["message"]


def said(answer: Any) -> Any:
    """Return what stands in the body of `answer`, in whichever of the two forms."""
    return elements.read(answer.content) if answer["Content-Type"].startswith(XML) else answer.json()
