"""Signed, expiring tokens: what they say, and what the database says of them now."""

import base64
import hashlib
import struct
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db.models import Exists, Value
from django.utils import timezone

from storage_site.caller import Caller
from storage_site.identity.errors import Unauthenticated
from storage_site.identity.models import ApplicationCredential, Assignment, Revocation, User

# Revocations, disabled users and roles taken away must be seen within 5 s; reading them takes its part of that.
CACHE_LIFETIME_S = 4.0
CACHE_SIZE = 4096

_METHODS = {"password": 1, "token": 2, "application_credential": 4}
_LAYOUT = struct.Struct(">B16s16sBQQ16s16sQ16s")
_LAYOUT_VERSION = 2
_NOTHING = bytes(16)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says: whose it is, for which project, how it was had and how long it lasts."""

    user_id: str
    project_id: str  # "" = unscoped
    methods: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime
    audit_id: str
    chain_id: str  # the audit id of the token that this one was made from, at the chain's beginning
    stamp: int  # User.credentials_stamp when the user was checked
    credential_id: str = ""  # the application credential that it was had by, which its rights hang on

    @property
    def audit_ids(self) -> list[str]:
        """Return the audit ids as Keystone lists them: the token's own, then its chain's if that is another."""
        return list(dict.fromkeys((self.audit_id, self.chain_id)))


@dataclass(frozen=True, slots=True)
class Named:
    """The id and the name of something."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ValidToken:
    """A token together with what the database said of it when it was looked up."""

    token: Token
    user: Named
    project: Named | None
    roles: tuple[Named, ...]
    credential: ApplicationCredential | None = None

    @property
    def role_names(self) -> frozenset[str]:
        """Return the names of the roles held in the token's project."""
        return frozenset(role.name for role in self.roles)


def new_token(
    *,
    user: User,
    project_id: str,
    methods: tuple[str, ...],
    parent: Token | None = None,
    credential: ApplicationCredential | None = None,
) -> Token:
    """Return a token for a user who has been checked; it does not outlive what it is made from."""
    now = timezone.now()
    audit_id = _text(uuid.uuid4().bytes)
    ends = [parent and parent.expires_at, credential and credential.expires_at, now + settings.TOKEN_LIFETIME]
    return Token(
        user_id=user.id,
        project_id=project_id,
        methods=methods,
        issued_at=now,
        expires_at=min(end for end in ends if end),
        audit_id=audit_id,
        chain_id=parent.chain_id if parent else audit_id,
        stamp=user.credentials_stamp,
        credential_id=credential.id if credential else "",
    )


def signed(token: Token) -> str:
    """Return the token as the text that clients carry."""
    packed = _LAYOUT.pack(
        _LAYOUT_VERSION,
        bytes.fromhex(token.user_id),
        bytes.fromhex(token.project_id) or _NOTHING,
        sum(_METHODS[method] for method in token.methods),
        (token.issued_at - _EPOCH) // timedelta(microseconds=1),
        (token.expires_at - _EPOCH) // timedelta(microseconds=1),
        _bytes(token.audit_id),
        _bytes(token.chain_id),
        token.stamp,
        bytes.fromhex(token.credential_id) or _NOTHING,
    )
    return _signer().sign(_text(packed))


def read(text: str) -> Token:
    """Return what a token says, its signature checked but not its time. :raises Unauthenticated: if it is not ours."""
    try:
        packed = _bytes(_signer().unsign(text))
        version, user, project, methods, issued, expires, audit, chain, stamp, credential = _LAYOUT.unpack(packed)
    except (BadSignature, ValueError, struct.error):
        # The signature's own words contain the token; nobody is to read them in a log.
        raise Unauthenticated from None
    if version != _LAYOUT_VERSION:
        raise Unauthenticated
    return Token(
        user_id=user.hex(),
        project_id="" if project == _NOTHING else project.hex(),
        methods=tuple(name for name, bit in _METHODS.items() if methods & bit),
        issued_at=_EPOCH + timedelta(microseconds=issued),
        expires_at=_EPOCH + timedelta(microseconds=expires),
        audit_id=_text(audit),
        chain_id=_text(chain),
        stamp=stamp,
        credential_id="" if credential == _NOTHING else credential.hex(),
    )


def looked_up(token: Token) -> ValidToken:
    """Return the token with names and roles as the database has them now.

    :raises Unauthenticated: if it was revoked, its user is disabled or changed the password, its project is
        disabled, its application credential is gone, or nothing is left of the roles that it stands for.
    """
    user_name = (
        User.objects.filter(pk=token.user_id, is_active=True, credentials_stamp=token.stamp)
        .exclude(Exists(Revocation.objects.filter(audit_id=Value(token.audit_id))))
        .values_list("name", flat=True)
        .first()
    )
    if user_name is None:
        raise Unauthenticated
    user = Named(token.user_id, user_name)
    if not token.project_id:
        return ValidToken(token, user, None, ())
    held = Assignment.objects.filter(user=token.user_id, project=token.project_id, project__is_enabled=True)
    credential = None
    if token.credential_id:
        credential = ApplicationCredential.objects.filter(pk=token.credential_id).first()
        held = held.filter(role__application_credentials=token.credential_id)
    rows = list(held.order_by("role__name").values_list("project__name", "role_id", "role__name"))
    if not rows:
        raise Unauthenticated
    roles = tuple(Named(role_id, role_name) for _, role_id, role_name in rows)
    return ValidToken(token, user, Named(token.project_id, rows[0][0]), roles, credential)


class RecentLookUps:
    """What was looked up lately, for a few seconds, so that not every request reads the same rows."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = timezone.now,
        size: int = CACHE_SIZE,
    ) -> None:
        self._monotonic, self._now, self._size = monotonic, now, size
        self._entries: OrderedDict[bytes, tuple[float, ValidToken]] = OrderedDict()
        self._lock = Lock()

    def valid(self, text: str, *, at_once: bool = False) -> ValidToken:
        """Return the valid token that `text` is; `at_once` counts only what the database says now.

        :raises Unauthenticated: if it is none, or no longer.
        """
        # Kept by digest: the memory of a process holds no token longer than the request that brought it.
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        found = None if at_once else self._recent(key)
        if found is None:
            # The age counts from before the read: what changes during it is seen in time, too.
            began = self._monotonic()
            token = read(text)
            self._refuse_if_expired(token)
            found = looked_up(token)
            self._keep(key, began, found)
        self._refuse_if_expired(found.token)
        return found

    def forget(self) -> None:
        """Drop everything: something that tokens depend on has changed in this process."""
        with self._lock:
            self._entries.clear()

    def _refuse_if_expired(self, token: Token) -> None:
        if self._now() >= token.expires_at:
            raise Unauthenticated

    def _recent(self, key: bytes) -> ValidToken | None:
        with self._lock:
            entry = self._entries.get(key)
        if entry is None or self._monotonic() - entry[0] >= CACHE_LIFETIME_S:
            return None
        return entry[1]

    def _keep(self, key: bytes, began: float, found: ValidToken) -> None:
        with self._lock:
            self._entries[key] = (began, found)
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)


recent = RecentLookUps()


def caller_of_token(text: str) -> Caller:
    """Return whom a token speaks for. :raises Unauthenticated: if it is not valid (any more)."""
    valid = recent.valid(text)
    return Caller(
        user_id=valid.user.id,
        user_name=valid.user.name,
        project_id=valid.project.id if valid.project else "",
        roles=valid.role_names,
    )


def _signer() -> Signer:
    return Signer(salt="celinder.identity.token", sep=".")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
