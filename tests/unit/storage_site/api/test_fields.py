"""Contract 00, section 9: what a value must look like, and what is said of one that does not."""

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from rest_framework.serializers import ValidationError

from storage_site.api import fields
from storage_site.api.errors import first_text
from storage_site.api.microversions import Microversion
from storage_site.api.serializers import AnswerSerializer, StrictSerializer
from storage_site.caller import Caller


def read(field, value):
    field.bind("it", None)
    return field.run_validation(value)


def refusal(field, value):
    with pytest.raises(ValidationError) as caught:
        read(field, value)
    return first_text(caught.value.detail)


@pytest.mark.parametrize(("given", "number"), [(1, 1), ("10", 10), ("007", 7), (2147483647, 2147483647)])
def test_a_whole_number_may_be_written_as_digits(given, number):
    assert read(fields.Integer(), given) == number


@pytest.mark.parametrize("given", [1.0, 1.5, True, False, "", "x", "1.0", " 1", "#$%", [], {}, "\u0661", "9" * 30])
def test_what_is_no_whole_number_is_refused(given):
    assert "is not of type 'integer'" in refusal(fields.Integer(), given)


def test_a_number_outside_of_its_range_is_refused_with_the_bound():
    prefix = "Invalid input for field/attribute it. Value: "
    assert refusal(fields.Integer(), 0) == f"{prefix}0. 0 is less than the minimum of 1"
    assert refusal(fields.Integer(), "-1") == f"{prefix}-1. -1 is less than the minimum of 1"
    assert (
        refusal(fields.Integer(), 2**31) == f"{prefix}2147483648. 2147483648 is greater than the maximum of 2147483647"
    )
    assert refusal(fields.Integer(), None) == f"{prefix}None. None is not of type 'integer'"


WORDS = {
    True: ["true", "True", "TRUE", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t"],
    False: ["false", "False", "FALSE", "0", "OFF", "Off", "off", "NO", "No", "no", "n", "f"],
}


@pytest.mark.parametrize(("word", "truth"), [(word, truth) for truth, words in WORDS.items() for word in words])
def test_a_truth_value_may_be_a_word(word, truth):
    assert read(fields.Boolean(), word) is truth


@pytest.mark.parametrize("given", [1, 0, None, "", "maybe", "tRUE", "Y", 1.0, []])
def test_what_is_no_truth_value_is_refused(given):
    assert "is not of type 'boolean'" in refusal(fields.Boolean(), given)


def test_a_name_is_stripped_before_it_is_measured():
    assert read(fields.Text(), f"  {'x' * 255} ") == "x" * 255
    assert "is too long" in refusal(fields.Text(), "x" * 256)
    expected = "Invalid input received: it has 256 characters, more than 255."
    assert refusal(fields.VolumeText(), "x" * 256) == expected


def test_a_name_that_must_say_something_cannot_be_blank():
    assert "is too short" in refusal(fields.Text(shortest=1), "   ")
    assert read(fields.Text(), "   ") == ""


@pytest.mark.parametrize("given", [1, True, [], {}])
def test_what_is_no_text_is_refused(given):
    assert "is not of type 'string'" in refusal(fields.Text(allow_null=True), given)


def test_null_stands_only_where_it_may():
    assert read(fields.Text(allow_null=True), None) is None
    assert "None is not of type 'string'" in refusal(fields.Text(), None)


@pytest.mark.parametrize("given", ["", "x", "0" * 32, "{00000000-0000-0000-0000-000000000000}", 1, None])
def test_what_is_no_uuid_is_refused(given):
    refusal(fields.Identity(), given)


def test_a_uuid_is_kept_in_lower_case():
    assert read(fields.Identity(), "ABCDEF00-0000-0000-0000-000000000000") == "abcdef00-0000-0000-0000-000000000000"


@pytest.mark.parametrize("key", ["k", "a.b", "a:b", "a b", "a/b", "a-b_c", "x" * 255])
def test_a_metadata_key_may_have_these_characters(key):
    assert read(fields.Metadata(), {key: "v"}) == {key: "v"}


@pytest.mark.parametrize("key", ["", "x" * 256, "ü", "a!", "a\n"])
def test_a_metadata_key_may_have_no_others(key):
    assert "does not match any of the regexes" in refusal(fields.Metadata(), {key: "v"})


@pytest.mark.parametrize("value", [1, True, None, [], {}, "x" * 256])
def test_a_metadata_value_is_a_short_text(value):
    refusal(fields.Metadata(), {"k": value})


@pytest.mark.parametrize("given", [[], "x", 1, None])
def test_metadata_is_an_object(given):
    assert "is not of type 'object'" in refusal(fields.Metadata(), given)


def test_a_choice_is_one_of_its_words():
    assert read(fields.Choice(("rw", "ro")), "ro") == "ro"
    assert refusal(fields.Choice(("rw", "ro")), "RO").endswith("'RO' is not one of ['rw', 'ro']")
    assert read(fields.Choice(("rw", "ro"), any_case=True), "RO") == "ro"
    refusal(fields.Choice(("rw", "ro")), ["rw"])


def test_a_time_is_written_in_utc_with_microseconds_and_without_a_zone():
    moment = datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert fields.Moment().to_representation(moment) == "2026-01-02T03:04:05.000000"


# --- serializers -------------------------------------------------------------------------------------------------


class Thing(AnswerSerializer):
    name = fields.Plain()
    colour = fields.Plain()
    owner = fields.Plain()
    notes = fields.Plain()

    class Meta:
        since = {"colour": "3.10"}
        visible_to = {"owner": lambda caller: caller.is_admin}
        names = {"owner": "os-thing:owner"}
        absent_if_empty = ("notes",)


def context(version: str, role: str = "member"):
    caller = Caller(user_id="u", project_id="p", roles=frozenset({role}))
    return {"request": SimpleNamespace(version=Microversion.parse(version), user=caller)}


THING = SimpleNamespace(name="n", colour="red", owner="me", notes={})


def test_a_field_exists_from_its_version_on():
    assert Thing(THING, context=context("3.9")).data == {"name": "n"}
    assert Thing(THING, context=context("3.10")).data == {"name": "n", "colour": "red"}


def test_a_field_exists_for_those_who_may_see_it():
    assert Thing(THING, context=context("3.0", "admin")).data == {"name": "n", "os-thing:owner": "me"}


def test_a_field_with_nothing_to_tell_is_left_out():
    noted = SimpleNamespace(**{**vars(THING), "notes": {"a": "b"}})
    assert Thing(noted, context=context("3.0")).data == {"name": "n", "notes": {"a": "b"}}


class Wish(StrictSerializer):
    name = fields.Text()
    colour = fields.Text(required=False)
    public = fields.Boolean(default=True)
    hints = fields.Members(required=False)

    class Meta:
        envelope = "wish"
        beside = {"OS:hints": "hints"}
        since = {"colour": "3.10"}
        names = {"public": "os-wish:public"}
        strict_since = "3.5"


def wish(body, version="3.71"):
    return dict(Wish(context=context(version)).run_validation(body))


def wish_refused(body, version="3.71"):
    with pytest.raises(ValidationError) as caught:
        wish(body, version)
    return first_text(caught.value.detail)


def test_what_the_envelope_holds_is_read_by_field():
    body = {"wish": {"name": " a ", "os-wish:public": "no"}, "OS:hints": {"x": 1}}
    assert wish(body) == {"name": "a", "public": False, "hints": {"x": 1}}


def test_a_field_of_a_later_version_is_unknown():
    assert "('colour' was unexpected)" in wish_refused({"wish": {"name": "a", "colour": "red"}}, "3.9")
    assert wish({"wish": {"name": "a", "colour": "red"}}, "3.10")["colour"] == "red"


def test_below_its_strict_version_unknown_members_are_ignored():
    assert wish({"wish": {"name": "a", "x": 1}}, "3.4") == {"name": "a", "public": True}
    assert "('x', 'y' were unexpected)" in wish_refused({"wish": {"name": "a", "x": 1, "y": 1}}, "3.5")


def test_what_stands_beside_the_envelope_does_not_stand_in_it():
    assert "('hints' was unexpected)" in wish_refused({"wish": {"name": "a", "hints": {}}})


def test_a_missing_member_is_named_together_with_the_object_it_is_missing_in():
    expected = "Invalid input for field/attribute wish. Value: {}. 'name' is a required property"
    assert wish_refused({"wish": {}}) == expected
