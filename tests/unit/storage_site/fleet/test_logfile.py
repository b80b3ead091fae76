from storage_site.fleet import logfile
from storage_site.fleet.logfile import LogFile, tail


def test_lines_are_written_whole_however_they_come(tmp_path):
    heard = []
    log = LogFile(tmp_path / "web.log", heard.append)
    for part in (b"on", b"e\ntwo\nthr", b"ee"):
        log.take(part)
    assert heard == ["one", "two"]
    log.close()
    assert heard == ["one", "two", "three"]
    assert (tmp_path / "web.log").read_text() == "one\ntwo\nthree\n"


def test_a_line_without_end_is_cut(tmp_path):
    log = LogFile(tmp_path / "web.log")
    log.take(b"x" * (logfile.LONGEST_LINE + 1))
    assert (tmp_path / "web.log").stat().st_size == logfile.LONGEST_LINE + 2


def test_a_full_file_makes_room_for_a_new_one(tmp_path, monkeypatch):
    monkeypatch.setattr(logfile, "FULL_BYTES", 10)
    log = LogFile(tmp_path / "web.log")
    for word in (b"first line", b"second line", b"third line"):
        log.write(word)
    assert (tmp_path / "web.log.1").read_text() == "second line\n"
    assert (tmp_path / "web.log").read_text() == "third line\n"


def test_a_disk_that_takes_nothing_more_does_not_end_the_fleet():
    heard = []
    log = LogFile(logfile.Path("/dev/full"), heard.append)
    log.take(b"still said\n")
    assert heard == ["still said"]


def test_the_tail_begins_where_it_is_told_and_says_so_when_there_is_nothing(tmp_path):
    path = tmp_path / "web.log"
    assert "has written nothing" in tail(path)
    path.write_text("old\nnew\n")
    assert tail(path, start=4) == "    new"
