"""A bucket as a target keeps the contract on a real server, also when the server is slow, broken, full or gone."""

import io
import logging
import traceback
import uuid
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from drivers.backup.s3 import PROBES, S3Target
from drivers.backup.s3_body import Body
from drivers.errors import (
    BackendBusy,
    BackendDown,
    DriverError,
    InvalidConfiguration,
    NotSupported,
    ObjectMissing,
    PermanentDriverError,
    TargetFull,
)
from tests import servers
from tests.contracts.backup_target import CALLS, MIB, BackupTargetContract, names
from tests.contracts.plain_s3 import Wire, plain_s3

pytestmark = pytest.mark.slow  # it starts a server
ONCE = {"attempts": 1, "connect_timeout_s": 2, "read_timeout_s": 2}
SECRETS = {"access_key": "an-access-key-nobody-sees", "secret_key": "a-secret-key-nobody-sees"}


@pytest.fixture(scope="module")
def server():
    try:
        with servers.seaweedfs() as server:
            yield server
    except servers.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def settings(server):
    return {
        "driver": "s3",
        "endpoint_url": server.url,
        "bucket": servers.BUCKET,
        "prefix": f"tests/{uuid.uuid4().hex}",
        "credentials_file": str(server.folder / "credentials"),
    }


def checked(settings) -> S3Target:
    target = S3Target.from_settings("s3", settings)
    target.check()
    return target


@pytest.fixture(scope="module")
def targets(settings):
    """Return two objects for one place; making a client takes most of a second."""
    return checked(settings), checked(settings)


@pytest.fixture
def target(targets):
    yield targets[0]
    for name in names(targets[0]):
        targets[0].delete(name)


@pytest.fixture
def another(target, targets):
    return targets[1]


@pytest.fixture
def through_wire(server, settings):
    with Wire(server.url) as wire:
        yield wire, settings | {"endpoint_url": wire.url, "prefix": f"wire/{uuid.uuid4().hex}"}


@pytest.fixture(scope="module")
def plain():
    with plain_s3() as plain:
        yield plain


@pytest.fixture(scope="module")
def plain_settings(plain):
    return {"driver": "s3", "endpoint_url": plain.url, "bucket": "plain", **SECRETS, **ONCE}


@pytest.fixture(scope="module")
def plain_targets(plain_settings):
    return checked(plain_settings), checked(plain_settings)


@pytest.fixture
def impatient(plain_targets):
    return plain_targets[0]


class TestS3Target(BackupTargetContract):
    def test_it_puts_conditionally(self, target):
        assert target.capabilities.conditional_put

    def test_a_check_leaves_nothing_in_the_bucket(self, target):
        assert list(target._pages("")) == list(target._pages(PROBES)) == []

    def test_a_listing_goes_on_from_page_to_page(self, targets, monkeypatch):
        place = targets[0]
        wanted = [f"pages/{number:02}" for number in range(7)]
        for name in wanted:
            place.put(name, b"")
        place._client.meta.events.register(
            "provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 3}, unique_id="small"
        )
        try:
            assert names(place, "pages/") == wanted
        finally:
            place._client.meta.events.unregister("provide-client-params.s3.ListObjectsV2", unique_id="small")
            for name in wanted:
                place.delete(name)


class TestServerWithoutConditions(BackupTargetContract):
    """A server that ignores conditions keeps the contract, but for two writers at once."""

    @pytest.fixture
    def settings(self, plain_settings):
        return plain_settings

    @pytest.fixture
    def target(self, plain, plain_targets):
        plain.objects.clear()
        return plain_targets[0]

    @pytest.fixture
    def another(self, target, plain_targets):
        return plain_targets[1]

    def test_that_it_ignores_them_was_found_out(self, target):
        assert not target.capabilities.conditional_put

    test_a_listing_shows_names_sizes_and_times = None  # its times are made up


# --- settings


GOOD = {"bucket": "backups", "endpoint_url": "http://127.0.0.1:1", **SECRETS}


@pytest.mark.parametrize(
    ("changes", "entry"),
    [
        ({"bucket": "B"}, "bucket"),
        ({"bucket": None}, "bucket"),
        ({"endpoint_url": "ftp://host"}, "endpoint_url"),
        ({"endpoint_url": "http://"}, "endpoint_url"),
        ({"endpoint_url": f"https://me:{SECRETS['secret_key']}@host"}, "endpoint_url"),
        ({"prefix": "../up"}, "prefix"),
        ({"verify_tls": "no"}, "verify_tls"),
        ({"verify_tls": False, "ca_file": "/ca.pem"}, "ca_file"),
        ({"attempts": 0}, "attempts"),
        ({"read_timeout_s": 1e9}, "read_timeout_s"),
        ({"secret_key": ""}, "secret_key"),
        ({"secret_key": 7}, "secret_key"),
        ({"access_key": ""}, "access_key"),
        ({"access_key": "", "secret_key": ""}, "credentials_file"),
        ({"credentials_file": "/somewhere"}, "credentials_file"),
    ],
)
def test_a_wrong_entry_is_told_with_its_target_and_without_secrets(changes, entry):
    with pytest.raises(InvalidConfiguration, match=f"'offsite', entry '{entry}'") as caught:
        S3Target.from_settings("offsite", GOOD | changes)
    assert SECRETS["secret_key"] not in str(caught.value)


def test_certificates_are_verified_unless_that_is_switched_off():
    assert S3Target.from_settings("s3", GOOD)._client._endpoint.http_session._verify is True
    unsafe = S3Target.from_settings("s3", GOOD | {"verify_tls": False})
    assert unsafe._client._endpoint.http_session._verify is False


def test_a_server_without_a_certificate_we_trust_is_not_spoken_to(tmp_path):
    certificate = self_signed(tmp_path / "certificate.pem")
    with plain_s3(certificate) as plain:
        settings = {"endpoint_url": plain.url, "bucket": "plain", **SECRETS, **ONCE}
        with pytest.raises(InvalidConfiguration, match="certificate is not to be trusted"):
            S3Target.from_settings("s3", settings).check()
        assert plain.asked == []
        target = checked(settings | {"ca_file": str(certificate)})
        target.put("it", b"1" * 100_000)
        assert target.get("it") == b"1" * 100_000


def self_signed(path):
    """Write a key and a certificate for the loopback address that nobody else vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "plain")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
    return path


@pytest.mark.parametrize("text", [None, "", "no section = here", "[default]\nsecret\n", "[default]\nkey = secret\n"])
def test_a_credentials_file_that_gives_none_is_told_without_its_text(tmp_path, text):
    path = tmp_path / "credentials"
    if text is not None:
        path.write_text(text)
    target = S3Target.from_settings(
        "s3", {"bucket": "backups", "endpoint_url": "http://127.0.0.1:1", "credentials_file": str(path)}
    )
    with pytest.raises(InvalidConfiguration, match="'credentials_file'") as caught:
        target.check()
    assert "key = secret" not in "".join(traceback.format_exception(caught.value))


def test_nothing_is_taken_from_the_account_that_runs_the_worker(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ambient")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ambient")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "ambient")
    client = S3Target.from_settings("s3", GOOD)._client
    credentials = client._request_signer._credentials
    assert credentials.access_key == SECRETS["access_key"]
    assert credentials.token is None


# --- who may


@pytest.mark.parametrize("wrong", [{"access_key": "unknown"}, {"secret_key": "another-secret-key"}])
def test_wrong_credentials_are_told_in_words_and_not_shown(server, settings, wrong, caplog):
    caplog.set_level(logging.DEBUG)
    lines = (server.folder / "credentials").read_text().splitlines()
    right = {"access_key": lines[1].split(" = ")[1], "secret_key": lines[2].split(" = ")[1]}
    without_file = {name: value for name, value in settings.items() if name != "credentials_file"}
    target = S3Target.from_settings("s3", without_file | right | wrong)
    with pytest.raises(InvalidConfiguration, match=r"refuses these credentials.*403"):
        target.check()
    told = [repr(target), repr(vars(target)), caplog.text]
    for call in CALLS.values():
        with pytest.raises(PermanentDriverError, match="refuses these credentials") as caught:
            call(target, "it")
        told += traceback.format_exception(caught.value)
    with pytest.raises(PermanentDriverError, match="refuses these credentials"):
        list(target.list(""))
    assert (right | wrong)["secret_key"] not in "".join(told)


def test_credentials_can_be_changed_while_it_runs(server, settings, tmp_path):
    path = tmp_path / "credentials"
    path.write_text((server.folder / "credentials").read_text().replace("key = ", "key = x"))
    target = S3Target.from_settings("s3", settings | {"credentials_file": str(path)})
    with pytest.raises(InvalidConfiguration):
        target.check()
    path.write_text((server.folder / "credentials").read_text())
    target.check()


def test_a_bucket_that_is_not_there_is_told_and_not_made(settings, targets):
    target = S3Target.from_settings("s3", settings | {"bucket": "missing"})
    with pytest.raises(InvalidConfiguration, match=r"bucket.*does not exist"):
        target.check()
    assert "missing" not in str(targets[0]._client.list_buckets()["Buckets"])


# --- a server in trouble


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((500, "InternalError"), BackendDown),
        ((502, ""), BackendDown),
        ((503, "SlowDown"), BackendBusy),
        ((504, ""), BackendDown),
        ((429, "TooManyRequests"), BackendBusy),
        ((409, "OperationAborted"), BackendBusy),
        ((507, "InsufficientStorage"), TargetFull),
        ((403, "AccessDenied"), PermanentDriverError),
        ((403, "RequestTimeTooSkewed"), PermanentDriverError),
        ((405, "MethodNotAllowed"), PermanentDriverError),
        ((501, "NotImplemented"), PermanentDriverError),
        ((0, ""), BackendDown),
    ],
)
def test_what_a_server_answers_decides_whether_trying_again_helps(plain, impatient, call, answer, kind):
    plain.objects["it"] = b"1"
    plain.instead.append(answer)
    with pytest.raises(kind) as caught:
        CALLS[call](impatient, "it")
    assert not plain.instead
    assert type(caught.value) is kind
    assert "'s3'" in caught.value.message
    assert "'plain'" in caught.value.message
    assert answer[0] == 0 or str(answer[0]) in caught.value.message


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("BadDigest", BackendDown),
        ("RequestTimeout", BackendBusy),
        ("QuotaExceeded", TargetFull),
        ("NoSuchBucket", InvalidConfiguration),
        ("InvalidRequest", PermanentDriverError),
    ],
)
def test_a_code_says_more_than_a_status(plain, impatient, code, kind):
    plain.instead.append((400, code))
    with pytest.raises(kind, match=code):
        impatient.put("it", b"1")


def test_an_answer_cut_off_in_the_middle_is_no_object(plain, impatient):
    plain.objects["it"] = b"complete"
    for call in ("get", "get into"):
        plain.instead.append((1, ""))
        with pytest.raises(BackendDown):
            {"get": impatient.get, "get into": lambda name: impatient.get_into(name, bytearray(8))}[call]("it")
    assert impatient.get("it") == b"complete"


def test_a_server_that_sends_the_whole_for_a_part_is_not_believed(plain, impatient):
    plain.objects["ten"] = b"0123456789"
    plain.serves_parts = False
    try:
        with pytest.raises(NotSupported, match="parts"):
            impatient.get("ten", offset=3, length=2)
        assert impatient.get("ten", length=10) == b"0123456789"
        with pytest.raises(NotSupported, match="parts"):
            impatient.check()
    finally:
        plain.serves_parts = True


def test_a_hiccup_is_got_over_without_telling(plain):
    target = checked({"endpoint_url": plain.url, "bucket": "plain", **SECRETS, "attempts": 3})
    plain.instead.append((503, "SlowDown"))
    target.put("it", [b"first ", b"second"])
    plain.instead.append((0, ""))
    assert target.get("it") == b"first second"


def test_a_server_that_is_gone_is_down():
    target = S3Target.from_settings("s3", GOOD | ONCE)
    for call in (*CALLS.values(), lambda target, _: target.check(), lambda target, _: list(target.list(""))):
        with pytest.raises(BackendDown, match="'s3'"):
            call(target, "it")


def test_a_server_that_is_silent_is_down_after_a_bounded_time_until_it_speaks_again(through_wire):
    wire, settings = through_wire
    target = checked(settings | ONCE | {"read_timeout_s": 0.5})
    target.put("it", b"kept")
    wire.is_silent = True
    for call in ("get", "put if absent"):
        with pytest.raises(BackendDown):
            CALLS[call](target, "it")
    wire.is_silent = False
    assert target.get("it") == b"kept"


def test_an_object_whose_writer_died_in_the_middle_is_not_seen(through_wire):
    wire, settings = through_wire
    target, other = checked(settings | ONCE), checked(settings | ONCE)
    target.put("old", b"old")
    for name in ("new", "old"):
        wire.bytes_until_cut = MIB
        with pytest.raises(BackendDown):
            target.put(name, bytes(5 * MIB))
        wire.bytes_until_cut = None
    assert names(other) == ["old"]
    assert other.get("old") == b"old"


def test_the_first_writer_is_told_so_although_its_answer_was_lost(through_wire):
    wire, settings = through_wire
    target = checked(settings | {"attempts": 3})
    wire.answers_to_lose = 1
    assert target.put("it", b"mine", only_if_absent=True) is True
    assert wire.answers_to_lose == 0
    assert target.put("it", b"mine", only_if_absent=True) is False
    assert target.get("it") == b"mine"


def test_a_damaged_body_is_refused_by_the_server(target):
    target._client.meta.events.register_first(
        "before-sign.s3.PutObject", lambda request, **_: setattr(request, "data", io.BytesIO(b"damaged")), "damage"
    )
    try:
        with pytest.raises(DriverError):
            target.put("it", b"correct")
    finally:
        target._client.meta.events.unregister("before-sign.s3.PutObject", unique_id="damage")
    with pytest.raises(ObjectMissing):
        target.get("it")


# --- bodies


def test_a_body_can_be_read_again_from_its_beginning():
    body = Body([memoryview(b"abc"), memoryview(b"de" * 600_000)])
    whole = b"abc" + b"de" * 600_000
    assert body.size == len(whole)
    assert b"".join(iter(lambda: body.read(16384), b"")) == whole
    assert body.tell() == len(whole)
    body.seek(0)
    assert body.read(16384) == b"abc"
    assert body.read() == whole[3:]
    with pytest.raises(ValueError, match="beginning"):
        body.seek(1)
