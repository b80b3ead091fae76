"""The certificates of a local back-end that other hosts reach: made here, renewed in time, and valid nowhere else.

Everything is made anew when half of its time is over. What was signed before stays good until its own end, and nothing
is signed for longer than the signer is good for: that is why the numbers below are as they are.
"""

import datetime as dt
import secrets
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from cryptography import x509

from drivers.types import canonical_id
from drivers.volume.local.certificates import (
    KeyFile,
    Subject,
    identity,
    is_for,
    is_half_over,
    new_authority,
    signed,
    text_of,
    vouched,
)
from drivers.volume.local.records import locked
from drivers.volume.local.slots import sync_directory, write_durably

AUTHORITY_VALID = dt.timedelta(days=3650)
"""A successor is made after half of it. The successor is trusted by clients of the former one, who vouches for it."""
SERVER_VALID = CLIENT_VALID = AUTHORITY_VALID / 2
LAST_CALL = dt.timedelta(days=30)
"""So long before its end a certificate counts as over: who shows it is replaced, even if that cuts a connection."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client needs to know the server and to prove who it is (PEM), and what servers call it."""

    authority: str
    certificate: str
    key: str
    identity: str


class Standing(Enum):
    """How a server's certificate stands to the one that would be used now."""

    CURRENT = auto()
    OLD = auto()
    OVER = auto()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Authority:
    """The back-end's own authority in a directory that only we can read. Everything raises OSError as files do.

    A certificate's subject is the attachment's id and a word that is made with its first key and goes with it: when an
    id comes back after its end, what it was given before is of no use.
    """

    def __init__(self, directory: Path, host: str, *, clock: Callable[[], dt.datetime] = _now) -> None:
        self._directory, self._host, self._clock = directory, host, clock

    @property
    def server(self) -> Path:
        """Return the directory that a server is to read now; its content never changes."""
        return self._servers / self._current.readlink().name

    def prepare(self) -> None:
        """Make what is missing, for another host, or half over: the authority and the server's certificate."""
        for directory in (self._clients, self._servers):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._directory / "authority.lock"):
            signer = self._signer() if self._signing.exists() else None
            if signer is None or is_half_over(signer.certificates[0], self._clock()):
                signer = self._succeeded(signer)
            if not self._is_served(signer):
                self._serve(signer)
            self._drop_ended()

    def standing(self, server: Path) -> Standing:
        """Tell whether a server that has read directory `server` can go on."""
        try:
            shown = _certificates(server / "server-cert.pem")[0]
        except FileNotFoundError:
            return Standing.OVER
        if not is_for(shown, self._host) or shown.not_valid_after_utc - LAST_CALL < self._clock():
            return Standing.OVER
        return Standing.CURRENT if server == self.server else Standing.OLD

    def admit(self, attachment_id: str) -> Credentials:
        """Give an attachment credentials if it has none, or others if half of their time is over, and return them."""
        path = self._client(attachment_id)
        word = secrets.token_hex(8)
        if path.exists():
            own = KeyFile.parsed(path.read_bytes()).certificates[0]
            if not is_half_over(own, self._clock()):
                return self.credentials(attachment_id)
            word = str(own.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)[0].value)
        signer = self._signer()
        made = signed(signer, Subject(attachment_id, word), self._clock(), CLIENT_VALID)
        _replace(path, KeyFile(made.key, [*made.certificates, signer.certificates[0]]).content)
        return self.credentials(attachment_id)

    def credentials(self, attachment_id: str) -> Credentials:
        """Return the credentials of an attachment. :raises FileNotFoundError: if it has none."""
        found = KeyFile.parsed(self._client(attachment_id).read_bytes())
        own, authority = (text_of([it]).decode() for it in found.certificates[:2])
        return Credentials(authority, own, found.key_text.decode(), identity(found.certificates[0]))

    def withdraw(self, attachment_ids: Sequence[str]) -> None:
        """Forget the credentials of attachments; that nobody lets them in any more is up to the servers."""
        for attachment_id in attachment_ids:
            self._client(attachment_id).unlink(missing_ok=True)

    @property
    def _clients(self) -> Path:
        return self._directory / "clients"

    @property
    def _servers(self) -> Path:
        return self._directory / "servers"

    @property
    def _current(self) -> Path:
        return self._servers / "current"

    @property
    def _signing(self) -> Path:
        return self._directory / "authority.pem"

    def _client(self, attachment_id: str) -> Path:
        return self._clients / f"{canonical_id(attachment_id)}.pem"

    def _signer(self) -> KeyFile:
        """Return the authority's key, its certificate, and what former ones say: for their successor, for themselves.

        Those that are over are left out.
        """
        found = KeyFile.parsed(self._signing.read_bytes())
        return KeyFile(found.key, [it for it in found.certificates if it.not_valid_after_utc > self._clock()])

    def _succeeded(self, former: KeyFile | None) -> KeyFile:
        """Make a new authority, for which the former one vouches; the former key is forgotten."""
        now = self._clock()
        made = new_authority(f"Celinder back-end {secrets.token_hex(4)}", now, AUTHORITY_VALID)
        if former is not None and former.certificates:
            until = former.certificates[0].not_valid_after_utc
            voucher = vouched(former, made.certificates[0].subject, made.key, now, until)
            made = KeyFile(made.key, [*made.certificates, voucher, *former.certificates])
        _replace(self._signing, made.content)
        return made

    def _is_served(self, signer: KeyFile) -> bool:
        """Tell whether the current server directory is what would be made now."""
        if not self._current.exists():
            return False
        shown = _certificates(self.server / "server-cert.pem")[0]
        is_right = is_for(shown, self._host) and not is_half_over(shown, self._clock())
        return is_right and (self.server / "ca-cert.pem").read_bytes() == text_of(_trusted(signer))

    def _serve(self, signer: KeyFile) -> None:
        """Make a server directory, and then the current one of it."""
        made = signed(signer, Subject("Celinder exports", hosts=[self._host]), self._clock(), SERVER_VALID)
        vouchers = [it for it in signer.certificates if it.subject != it.issuer]
        name = secrets.token_hex(8)
        directory, pointer = self._servers / name, self._servers / f"{name}.new"
        directory.mkdir(mode=0o700)
        write_durably(directory / "ca-cert.pem", text_of(_trusted(signer)))
        write_durably(directory / "server-key.pem", made.key_text)
        write_durably(directory / "server-cert.pem", text_of([*made.certificates, *vouchers]))
        sync_directory(directory)
        pointer.symlink_to(name)
        pointer.replace(self._current)
        sync_directory(self._servers)

    def _drop_ended(self) -> None:
        """Remove server directories that are over, or were never finished; a running server has read its own."""
        for directory in self._servers.iterdir():
            if directory.is_symlink() or directory == self.server:
                continue
            with suppress(FileNotFoundError):
                if _certificates(directory / "server-cert.pem")[0].not_valid_after_utc > self._clock():
                    continue
            shutil.rmtree(directory)


def _trusted(signer: KeyFile) -> list[x509.Certificate]:
    """Return those who vouch for themselves: the authority and former ones."""
    return [it for it in signer.certificates if it.subject == it.issuer]


def _certificates(path: Path) -> Sequence[x509.Certificate]:
    """Return the certificates in a file. :raises OSError: if it holds none."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError as error:
        raise OSError(f"{path} is damaged ({error})") from error


def _replace(path: Path, content: bytes) -> None:
    """Write a file that only we can read, at once and for good. :raises OSError: if that fails."""
    draft = path.with_suffix(".new")
    write_durably(draft, content)
    draft.replace(path)
    sync_directory(path.parent)
