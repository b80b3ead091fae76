"""The certificates of a local back-end that other hosts reach: made here, and valid nowhere else."""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from drivers.types import canonical_id
from drivers.volume.local.records import locked
from drivers.volume.local.slots import sync_directory, write_durably

_VALID = dt.timedelta(days=3650)
"""Access ends by the list of those who are admitted, not by a date."""
_CLOCKS_DIFFER = dt.timedelta(days=1)
_AUTHORITY, _SERVER = "Celinder back-end", "Celinder exports"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client needs to know the server and to prove who it is (PEM)."""

    authority: str
    certificate: str
    key: str


class Authority:
    """The back-end's own authority in a directory that only we can read. Everything raises OSError as files do."""

    def __init__(self, directory: Path, host: str) -> None:
        self._directory = directory
        self._host = host
        self.server = directory / "server"

    def prepare(self) -> None:
        """Make the authority and the server's certificate, if they are not there or are for another host."""
        self._clients.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.server.mkdir(mode=0o700, exist_ok=True)
        with locked(self._directory / "authority.lock"):
            if not self._signer.exists():
                key = ec.generate_private_key(ec.SECP256R1())
                _write(self._signer, _pem(key), _signed(_AUTHORITY, key, key, may_sign=True))
            key_pem, certificate = self._signer_parts()
            host = self.server / "host"
            if not host.exists() or host.read_text(encoding="utf-8") != self._host:
                server_key = ec.generate_private_key(ec.SECP256R1())
                signed = _signed(_SERVER, server_key, _loaded(key_pem), hosts=[self._host])
                write_durably(self.server / "ca-cert.pem", certificate)
                write_durably(self.server / "server-key.pem", _pem(server_key))
                write_durably(self.server / "server-cert.pem", signed)
                write_durably(host, self._host.encode())
                sync_directory(self.server)

    def admit(self, attachment_id: str) -> Credentials:
        """Return the credentials of an attachment, the same ones until they are withdrawn."""
        path = self._client(attachment_id)
        key_pem, authority = self._signer_parts()
        if not path.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            _write(path, _pem(key), _signed(attachment_id, key, _loaded(key_pem)))
        own_key, certificate = _parts(path)
        return Credentials(authority.decode(), certificate.decode(), own_key.decode())

    def withdraw(self, attachment_ids: Sequence[str]) -> None:
        """Forget the credentials of attachments; that servers refuse them is up to their lists."""
        for attachment_id in attachment_ids:
            self._client(attachment_id).unlink(missing_ok=True)

    @property
    def _clients(self) -> Path:
        return self._directory / "clients"

    @property
    def _signer(self) -> Path:
        return self._directory / "authority.pem"

    def _client(self, attachment_id: str) -> Path:
        return self._clients / f"{canonical_id(attachment_id)}.pem"

    def _signer_parts(self) -> tuple[bytes, bytes]:
        return _parts(self._signer)


def _write(path: Path, key: bytes, certificate: bytes) -> None:
    """Write a key and its certificate as one file, at once and for good. :raises OSError: if that fails."""
    draft = path.with_suffix(".new")
    write_durably(draft, key + certificate)
    draft.replace(path)
    sync_directory(path.parent)


def _parts(path: Path) -> tuple[bytes, bytes]:
    """Return the key and the certificate in a file. :raises OSError: if it cannot be read."""
    key, mark, certificate = path.read_bytes().partition(b"-----BEGIN CERTIFICATE-----")
    return key, mark + certificate


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a key as text."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _loaded(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """Return a key from its text. :raises OSError: if it is none of ours."""
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise OSError("The key of the back-end's authority is not one we made")
    return key


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    hosts: Sequence[str] = (),
    may_sign: bool = False,
) -> bytes:
    """Return a certificate for `key` with nothing but a common name; for a server if there are `hosts`."""
    now = dt.datetime.now(dt.UTC)
    own, issuer = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
        for common in (name, name if may_sign else _AUTHORITY)
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=may_sign, path_length=None), critical=True)
        .add_extension(_usage(may_sign=may_sign), critical=True)
    )
    if hosts:
        made = made.add_extension(x509.SubjectAlternativeName([_host_name(host) for host in hosts]), critical=False)
    if not may_sign:
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
        made = made.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return made.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _usage(*, may_sign: bool) -> x509.KeyUsage:
    """Return what a key may be used for: to sign certificates, or to prove who one is."""
    return x509.KeyUsage(
        digital_signature=not may_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=may_sign,
        crl_sign=may_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _host_name(host: str) -> x509.GeneralName:
    """Return a host's name or address as certificates write it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
