"""Small pieces of HTML."""

from datetime import timedelta

import pytest
from django.utils import timezone

from storage_site.pages import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (7200, "2 h"), (200000, "2 d")],
)
def test_a_length_of_time_has_its_largest_unit(seconds, said):
    assert words.duration(timedelta(seconds=seconds)) == said


def test_a_moment_is_past_or_to_come():
    assert ">2 h ago<" in words.ago(timezone.now() - timedelta(hours=2, minutes=1))
    assert ">in 1 h<" in words.ago(timezone.now() + timedelta(hours=1, minutes=1))
    assert words.ago(None) == words.NOTHING


@pytest.mark.parametrize(
    ("status", "tone"),
    [("error_deleting", "bad"), ("available", "ok"), ("creating", "busy"), ("reserved", "idle")],
)
def test_a_status_has_the_tone_of_its_words(status, tone):
    assert words.tone_of_status(status) == tone


@pytest.mark.parametrize(
    "made",
    [
        words.badge("<b>", "ok"),
        words.members({"<b>": "<b>"}),
        words.as_json({"<b>": "<b>"}),
        words.short_id("<b>"),
        words.link("<b>", "<b>"),
        words.two_lines("<b>", "<b>"),
        words.arrow("<b>", "<b>"),
    ],
)
def test_whatever_is_given_is_escaped(made):
    assert "<b>" not in made
    assert "&lt;b&gt;" in made


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536 * 1024**2, "1.5 GiB"), (2**63, "8.0 EiB")],
)
def test_a_number_of_bytes_has_its_largest_unit(number, said):
    assert words.amount(number) == said
