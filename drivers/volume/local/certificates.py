"""X.509 keys and certificates as text: made, signed and looked at."""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CLOCKS_DIFFER = dt.timedelta(days=1)
_FIRST_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_PRINTED = {NameOID.COMMON_NAME: "CN", NameOID.ORGANIZATION_NAME: "O"}


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate is for: nothing but a common name, and an organisation if there is one."""

    name: str
    organization: str = ""
    hosts: Sequence[str] = ()
    """What a server is reached by; a certificate without any is for a client."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key and the certificates that come with it, its own first."""

    key: ec.EllipticCurvePrivateKey
    certificates: Sequence[x509.Certificate]

    @classmethod
    def parsed(cls, content: bytes) -> Self:
        """Read what `content` made. :raises OSError: if it is none of ours."""
        try:
            key_text, mark, rest = content.partition(_FIRST_CERTIFICATE)
            key = serialization.load_pem_private_key(key_text, None)
            certificates = x509.load_pem_x509_certificates(mark + rest)
        except ValueError as error:
            raise OSError(f"A file of keys and certificates is damaged ({error})") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise OSError("A key of the back-end's authority is not one we made")
        return cls(key, certificates)

    @property
    def key_text(self) -> bytes:
        """Return the key as text."""
        kind = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())

    @property
    def content(self) -> bytes:
        """Return everything as text."""
        return self.key_text + text_of(self.certificates)


def text_of(certificates: Sequence[x509.Certificate]) -> bytes:
    """Return certificates as text."""
    return b"".join(it.public_bytes(serialization.Encoding.PEM) for it in certificates)


def new_authority(name: str, now: dt.datetime, valid: dt.timedelta) -> KeyFile:
    """Return a new key that signs certificates, and vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    return KeyFile(key, [vouched(KeyFile(key, []), _named(Subject(name)), key, now, now + valid)])


def vouched(
    signer: KeyFile, name: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime, until: dt.datetime
) -> x509.Certificate:
    """Return the certificate by which `signer` lets an authority sign, or itself if it has no certificate yet."""
    issuer = signer.certificates[0].subject if signer.certificates else name
    made = _begun(name, issuer, key, now, until)
    return _ended(made, signer.key, may_sign=True)


def signed(signer: KeyFile, subject: Subject, now: dt.datetime, valid: dt.timedelta) -> KeyFile:
    """Return a new key with a certificate of `signer` for `subject`, which does not outlive the signer's own."""
    key = ec.generate_private_key(ec.SECP256R1())
    until = min(now + valid, signer.certificates[0].not_valid_after_utc)
    made = _begun(_named(subject), signer.certificates[0].subject, key, now, until)
    if subject.hosts:
        names = [_host_name(host) for host in subject.hosts]
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if subject.hosts else ExtendedKeyUsageOID.CLIENT_AUTH
    made = made.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return KeyFile(key, [_ended(made, signer.key, may_sign=False)])


def is_for(certificate: x509.Certificate, host: str) -> bool:
    """Tell whether a server with this certificate may be reached by `host`."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(names) == [_host_name(host)]


def is_half_over(certificate: x509.Certificate, now: dt.datetime) -> bool:
    """Tell whether half of the time is over that a certificate is valid for."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now >= begin + (end - begin) / 2


def identity(certificate: x509.Certificate) -> str:
    """Return the subject as servers print it, which is what they compare."""
    return ",".join(f"{_PRINTED[it.oid]}={it.value!s}" for it in certificate.subject)


def _named(subject: Subject) -> x509.Name:
    """Return a subject as certificates have it."""
    parts = [(NameOID.ORGANIZATION_NAME, subject.organization), (NameOID.COMMON_NAME, subject.name)]
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts if value])


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime, until: dt.datetime
) -> x509.CertificateBuilder:
    """Return a certificate to be completed and signed."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(until)
    )


def _ended(made: x509.CertificateBuilder, signer: ec.EllipticCurvePrivateKey, *, may_sign: bool) -> x509.Certificate:
    """Return the certificate, which says what its key may be used for: to sign, or to prove who one is."""
    usage = x509.KeyUsage(
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
    made = made.add_extension(x509.BasicConstraints(ca=may_sign, path_length=None), critical=True)
    return made.add_extension(usage, critical=True).sign(signer, hashes.SHA256())


def _host_name(host: str) -> x509.GeneralName:
    """Return a host's name or address as certificates write it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
