"""One Block Storage endpoint, asked by one administrator over HTTP."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp

MICROVERSION = "volume 3.60"
POLL_S = 0.02
PATIENCE_S = 300.0


class Refused(Exception):
    """A service answered a request as it should not have."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a service is reached: its name in the tables, and who asks."""

    name: str
    auth_url: str
    user: str
    password: str
    project: str


class Endpoint:
    """A service that is logged in to. Enter it before anything else."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self.project_id, self._base, self._token = "", "", ""
        self.refused: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=120)
        )
        try:
            await self._log_in()
        except BaseException:
            await self._session.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def _log_in(self) -> None:
        """Get a token and the catalog's public address of Block Storage. :raises Refused: if there is none."""
        access, domain = self._access, {"name": "Default"}
        user = {"name": access.user, "password": access.password, "domain": domain}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": access.project, "domain": domain}},
            }
        }
        async with self._session.post(f"{access.auth_url}/auth/tokens", json=body) as answer:
            if answer.status != HTTPStatus.CREATED:
                raise Refused(f"{access.name}: log-in answered {answer.status}")
            self._token = answer.headers["X-Subject-Token"]
            token = (await answer.json())["token"]
        self.project_id = token["project"]["id"]
        known = {one["type"]: one["endpoints"] for one in token["catalog"]}
        for kind in ("block-storage", "volumev3", "volume"):
            for one in known.get(kind, []):
                if one["interface"] == "public":
                    self._base = one["url"].rstrip("/")
                    return
        raise Refused(f"{access.name}: no Block Storage in the catalog")

    async def ask(self, method: str, path: str, body: Any = None, *, may_be_missing: bool = False) -> Any:
        """Return the body of an answer, None for 404 where that is expected. :raises Refused: for any other error."""
        headers = {"X-Auth-Token": self._token, "Accept": "application/json", "OpenStack-API-Version": MICROVERSION}
        async with self._session.request(method, self._base + path, json=body, headers=headers) as answer:
            content = await answer.read()
            if answer.status == HTTPStatus.NOT_FOUND and may_be_missing:
                return None
            if answer.status >= HTTPStatus.BAD_REQUEST:
                self.refused[f"{method} {answer.status}"] += 1
                raise Refused(f"{method} {path}: {answer.status} {content[:200].decode(errors='replace')}")
            return await answer.json() if content else None

    async def until(self, path: str, one: str, status: str | None) -> None:
        """Wait until a resource shows a status, or, for None, has gone. :raises Refused: if it shows an error first."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            shown = await self.ask("GET", path, may_be_missing=status is None)
            found = shown[one]["status"] if shown else None
            if found == status:
                return
            if found and found.startswith("error"):
                raise Refused(f"{path} is {found}")
            await asyncio.sleep(POLL_S)
        raise Refused(f"{path} was not {status or 'gone'} within {PATIENCE_S:.0f} s")
