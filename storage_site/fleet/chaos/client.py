"""A client such as a careful program would be: what got no answer is looked up before it is asked for again."""

import http.client
import json
import shlex
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MICROVERSION = "volume 3.71"
ANSWER_S = 90  # longer than the API waits for a worker
PATIENCE_S = 240  # for anything to come about, kills and restarts included
AGAIN_S = 0.2
BUSY = {429, 502, 503, 504}  # asking again is what such an answer means


class NoAnswer(Exception):
    """Whether the request was carried out is not known."""


class WrongAnswer(Exception):
    """The API said something that no kill of a process excuses."""


class Stuck(Exception):
    """Something did not come about in all the time it was given."""


@dataclass
class Ledger:
    """What clients were promised, and what they are asking at this moment; all stories write to one."""

    accepted: list[tuple[str, str]] = field(default_factory=list)
    """Resource and verb of everything that the API took on."""
    found_out: int = 0
    """How many of these a client learned by looking, for the answer never came."""
    unanswered: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    in_transfer: dict[str, str] = field(default_factory=dict)
    """Socket of an export → what a story does there now."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Note that a request is on its way."""
        with self.lock:
            self.in_flight[what] += 1
        try:
            yield
        finally:
            with self.lock:
                self.in_flight[what] -= 1

    @contextmanager
    def transferring(self, socket: str, what: str) -> Iterator[None]:
        """Note that bytes go to or from an export."""
        self.in_transfer[socket] = what
        try:
            yield
        finally:
            self.in_transfer.pop(socket, None)

    def accept(self, resource_id: str, verb: str, *, found_out: bool) -> None:
        """Note a promise."""
        with self.lock:
            self.accepted.append((resource_id, verb))
            self.found_out += found_out


class Client:
    """Calls of one user, by one thread at a time."""

    def __init__(self, url: str, openrc: Path, ledger: Ledger) -> None:
        self._place, self._ledger = urlsplit(url), ledger
        self._given = _credentials(openrc)
        self._token = ""

    def log_in(self) -> str:
        """Get a token; return the project's id."""
        user = {
            "name": self._given["OS_USERNAME"],
            "password": self._given["OS_PASSWORD"],
            "domain": {"name": self._given["OS_USER_DOMAIN_NAME"]},
        }
        project = {"name": self._given["OS_PROJECT_NAME"], "domain": {"name": self._given["OS_PROJECT_DOMAIN_NAME"]}}
        body = {
            "auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": project}}
        }
        answer = self._until_answered("POST", "/identity/v3/auth/tokens", body)
        self._token = answer.headers["X-Subject-Token"]
        return str(answer.body["token"]["project"]["id"])

    def get(self, path: str) -> dict[str, Any] | None:
        """Return what is there; None where nothing is."""
        answer = self._until_answered("GET", f"/v3{path}")
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return None
        return answer.body

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change something, which may be repeated."""
        return self._until_answered("PUT", f"/v3{path}", body).body

    def ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        look: Callable[[], Any],
        *,
        may_be_refused: bool = False,
    ) -> tuple[Any, bool]:
        """Ask for something once; return the answer's body, or what `look` found instead of an answer, and which.

        `look` returns None while nothing shows that the request was carried out: then it is made again. Where the
        refusal of a repetition is what shows that, `may_be_refused`.
        """
        deadline = time.monotonic() + PATIENCE_S
        is_repeated = False
        while time.monotonic() < deadline:
            try:
                answer = self._call(method, f"/v3{path}", body)
            except NoAnswer:
                answer = None
            if answer is not None and answer.status not in BUSY:
                is_refused = is_repeated and may_be_refused and answer.status in {400, 404, 409}
                if not is_refused:
                    return _good(answer, f"{method} {path}").body, False
            found = look()
            if found is not None:
                return found, True
            is_repeated = True
            time.sleep(AGAIN_S)
        raise Stuck(f"{method} {path}: no answer that says anything")

    def _until_answered(self, method: str, path: str, body: dict[str, Any] | None = None) -> "Answer":
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                answer = self._call(method, path, body)
            except NoAnswer:
                pass
            else:
                if answer.status not in BUSY:
                    return _good(answer, f"{method} {path}", also=404 if method == "GET" else 0)
            time.sleep(AGAIN_S)
        raise Stuck(f"{method} {path}: no answer")

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> "Answer":
        """Make one request. :raises NoAnswer: if the whole of an answer does not come."""
        what = f"{method} {path.removeprefix('/v3').lstrip('/').partition('/')[0].partition('?')[0]}"
        headers = {"Content-Type": "application/json", "OpenStack-API-Version": MICROVERSION}
        if self._token:
            headers["X-Auth-Token"] = self._token
        connection = http.client.HTTPConnection(self._place.hostname or "", self._place.port, timeout=ANSWER_S)
        try:
            with self._ledger.asking(what):
                connection.request(method, path, json.dumps(body) if body is not None else None, headers)
                answer = connection.getresponse()
                content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            with self._ledger.lock:
                self._ledger.unanswered[what] += 1
            raise NoAnswer(str(error)) from error
        finally:
            connection.close()
        is_json = answer.getheader("Content-Type", "").startswith("application/json") and content
        return Answer(answer.status, dict(answer.getheaders()), json.loads(content) if is_json else {}, content[:300])


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]
    begin: bytes


def _good(answer: Answer, what: str, *, also: int = 0) -> Answer:
    if answer.status >= http.HTTPStatus.BAD_REQUEST and answer.status != also:
        raise WrongAnswer(f"{what}: {answer.status} {answer.begin.decode(errors='replace')}")
    return answer


def _credentials(openrc: Path) -> dict[str, str]:
    told = subprocess.run(
        ["sh", "-c", f". {shlex.quote(str(openrc))} && env -0"], check=True, capture_output=True, text=True
    ).stdout
    return dict(pair.split("=", 1) for pair in told.split("\0") if pair.startswith("OS_"))
