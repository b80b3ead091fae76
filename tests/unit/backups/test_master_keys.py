"""The file with the master keys: made once, added to, never written over, and missed where it is needed."""

import pytest
from django.core.management import CommandError, call_command

from backups import keys
from backups.engine.keys import MasterKeys


@pytest.fixture
def path(settings, tmp_path):
    settings.BACKUP_KEY_FILE = tmp_path / "backup.keys"
    return settings.BACKUP_KEY_FILE


def test_a_new_file_has_one_key_that_only_its_owner_can_read(path, capsys):
    call_command("backup_key", "--new")
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(list(MasterKeys.from_file(path))) == 1
    assert path.read_text().strip() not in capsys.readouterr().out
    assert [found.name for found in path.parent.iterdir()] == ["backup.keys"]


def test_a_file_that_is_there_is_never_made_anew(path):
    call_command("backup_key", "--new")
    before = path.read_text()
    with pytest.raises(CommandError, match="is there already"):
        call_command("backup_key", "--new")
    assert path.read_text() == before


def test_a_key_that_is_added_comes_first_and_the_others_stay(path):
    call_command("backup_key", "--new")
    before = list(MasterKeys.from_file(path))
    call_command("backup_key", "--add")
    after = list(MasterKeys.from_file(path))
    assert after[1:] == before
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["backup.keys"]


def test_nothing_is_added_to_a_file_that_is_not_there(path):
    with pytest.raises(CommandError):
        call_command("backup_key", "--add")
    assert not path.exists()


def test_a_host_that_is_to_have_no_keys_gets_none(settings):
    settings.BACKUP_KEY_FILE = None
    assert keys.check_keys() == []
    with pytest.raises(CommandError, match="none"):
        call_command("backup_key", "--new")


def test_the_check_says_which_command_makes_the_missing_file(path):
    (found,) = keys.check_keys()
    assert (found.id, "backup_key --new" in found.hint) == ("backups.E002", True)
    call_command("backup_key", "--new")
    assert keys.check_keys() == []


def test_the_check_names_a_file_that_others_can_read(path):
    call_command("backup_key", "--new")
    path.chmod(0o644)
    (found,) = keys.check_keys()
    assert found.id == "backups.E003"


def test_without_targets_no_keys_are_missed(path, settings):
    settings.BACKUP_TARGETS = {}
    assert keys.check_keys() == []
