"""What the environment's variables may be: words out of a few, and secrets that may lie in files."""

import pytest

from storage_site.settings import environment as env
from storage_site.settings import keystone


def test_a_choice_is_one_of_the_words_allowed(monkeypatch):
    monkeypatch.delenv("CELINDER_IDENTITY", raising=False)
    assert env.choice("CELINDER_IDENTITY", "one", ["one", "two"]) == "one"
    monkeypatch.setenv("CELINDER_IDENTITY", "two")
    assert env.choice("CELINDER_IDENTITY", "one", ["one", "two"]) == "two"
    monkeypatch.setenv("CELINDER_IDENTITY", "three")
    with pytest.raises(ValueError, match="CELINDER_IDENTITY must be one of one, two, not 'three'"):
        env.choice("CELINDER_IDENTITY", "one", ["two", "one"])


def test_a_secret_is_a_variable_or_the_contents_of_a_file(monkeypatch, tmp_path):
    monkeypatch.delenv("CELINDER_KEYSTONE_PASSWORD", raising=False)
    monkeypatch.delenv("CELINDER_KEYSTONE_PASSWORD_FILE", raising=False)
    assert env.secret("CELINDER_KEYSTONE_PASSWORD") == ""
    (tmp_path / "secret").write_text("of the file\n")
    monkeypatch.setenv("CELINDER_KEYSTONE_PASSWORD_FILE", str(tmp_path / "secret"))
    assert env.secret("CELINDER_KEYSTONE_PASSWORD") == "of the file"
    assert keystone.of_environment()["password"] == "of the file"
    monkeypatch.setenv("CELINDER_KEYSTONE_PASSWORD", "of the variable")
    assert env.secret("CELINDER_KEYSTONE_PASSWORD") == "of the variable"


def test_a_secrets_file_that_is_not_there_is_named_by_its_variable(monkeypatch, tmp_path):
    monkeypatch.delenv("CELINDER_KEYSTONE_PASSWORD", raising=False)
    monkeypatch.setenv("CELINDER_KEYSTONE_PASSWORD_FILE", str(tmp_path / "missing"))
    with pytest.raises(ValueError, match="CELINDER_KEYSTONE_PASSWORD_FILE must be the path of a file"):
        keystone.of_environment()
