import socket

import pytest

from storage_site.fleet import address
from storage_site.fleet.errors import FleetError


@pytest.mark.parametrize(
    ("text", "bind", "url"),
    [
        ("127.0.0.1:8776", "127.0.0.1:8776", "http://127.0.0.1:8776"),
        ("0.0.0.0:80", "0.0.0.0:80", "http://127.0.0.1:80"),
        (":80", ":80", "http://127.0.0.1:80"),
        ("[::1]:8776", "[::1]:8776", "http://[::1]:8776"),
        ("storage.example:8776", "storage.example:8776", "http://storage.example:8776"),
    ],
)
def test_an_address_is_a_place_to_listen_and_a_url(text, bind, url):
    found = address.parse(text)
    assert (found.bind, found.url) == (bind, url)


@pytest.mark.parametrize("text", ["8776x", "host:", "host:0", "host:70000", ""])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(FleetError, match="CELINDER_BIND must be host:port"):
        address.parse(text)


@pytest.mark.parametrize(
    ("variables", "bind"),
    [
        ({}, "127.0.0.1:8776"),
        ({"PORT": "5000"}, "0.0.0.0:5000"),
        ({"PORT": "5000", "CELINDER_BIND": "127.0.0.1:1"}, "127.0.0.1:1"),
    ],
)
def test_the_environment_says_where_to_listen(monkeypatch, variables, bind):
    for name in ("PORT", "CELINDER_BIND"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert address.bind_of_environment() == bind


def test_an_address_that_is_taken_is_named_before_anything_starts():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(FleetError, match=f"127.0.0.1:{port}.*CELINDER_BIND"):
            address.parse(f"127.0.0.1:{port}").refuse_if_taken()


def test_a_free_port_can_be_listened_on():
    address.parse(f"127.0.0.1:{address.free_port()}").refuse_if_taken()
