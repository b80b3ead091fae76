"""What the console hides."""

from storage_site.pages.redaction import HIDDEN, censored, only


def test_only_named_plain_members_are_shown():
    given = {"host": "h", "hosts": ["a", "b"], "path": {"password": "x"}, "new": "y", "port": None}
    shown = only(given, {"host", "hosts", "path", "port"})
    assert shown == {"host": "h", "hosts": ["a", "b"], "path": HIDDEN, "new": HIDDEN, "port": None}


def test_members_that_speak_of_secrets_are_hidden_however_deep():
    given = {"a": [{"AuthToken": "x", "size": 1}], "secret": {"b": "c"}, "password": "", "hints": {"same_host": "v"}}
    assert censored(given) == {
        "a": [{"AuthToken": HIDDEN, "size": 1}],
        "secret": HIDDEN,
        "password": "",
        "hints": {"same_host": "v"},
    }


def test_a_log_in_within_an_address_is_hidden():
    assert censored(["s3://me:p@ss@host/bucket", "nbd://host/export", "a@b"]) == [
        f"s3://{HIDDEN}@host/bucket",
        "nbd://host/export",
        "a@b",
    ]
