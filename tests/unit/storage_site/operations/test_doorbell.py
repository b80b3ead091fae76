"""The bell: bounded, never raising, and quiet for a moment after the broker failed."""

import socketserver
import threading
import time

import pytest
from celery import current_app

from storage_site.operations import doorbell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker_away(tmp_path, monkeypatch):
    doorbell._disconnect()
    monkeypatch.setattr(current_app.conf, "broker_write_url", f"redis+socket://{tmp_path}/none.sock")
    monkeypatch.setattr(doorbell, "_breaker", doorbell._Breaker())
    yield
    doorbell._disconnect()


def test_a_broker_that_is_away_fails_no_request(accept, broker_away):
    operation = accept()
    assert operation.outcome == ""
    assert doorbell.ring(operation) is False


def test_after_a_failure_the_broker_is_left_alone_for_a_moment(accept, broker_away):
    operation = accept()
    assert doorbell._breaker.is_open
    started = time.perf_counter()
    for _ring in range(100):
        doorbell.ring(operation)
    assert time.perf_counter() - started < doorbell.BREAKER_OPEN_S


def test_a_broker_that_has_come_back_is_rung_again(accept, broker_away, monkeypatch):
    operation = accept()
    monkeypatch.undo()
    monkeypatch.setattr(doorbell, "_breaker", doorbell._Breaker())
    assert doorbell.ring(operation) is True


class _Nonsense(socketserver.StreamRequestHandler):
    """Answers everything alike, as some other program behind the broker's address does."""

    def handle(self) -> None:
        while self.rfile.readline():
            self.wfile.write(b"+PONG\r\n")


def test_a_broker_that_answers_nonsense_fails_no_request_either(accept, broker_away, monkeypatch, tmp_path):
    with socketserver.ThreadingUnixStreamServer(str(tmp_path / "other.sock"), _Nonsense) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(current_app.conf, "broker_write_url", f"redis+socket://{tmp_path}/other.sock")
        assert accept().outcome == ""
        assert doorbell._breaker.is_open
        doorbell._disconnect()
        server.shutdown()
