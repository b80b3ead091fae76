"""The mapping between JSON and XML (docs/xml.md) loses nothing, and reads nothing that it should not."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as some

from storage_site.api.elements import DEEPEST, NotReadable, read, singular, written

SCALARS = some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False, allow_infinity=False)
NAMES = some.text() | some.sampled_from(["body", "item", "member", "volumes", "os-x:y", "XMLish", "a b", ""])
BODIES = some.recursive(
    SCALARS | some.text(), lambda inner: some.lists(inner) | some.dictionaries(NAMES, inner), max_leaves=25
)


@given(BODIES)
def test_whatever_json_says_comes_back_as_it_was(value):
    # Compared as text, too: Python takes 1, 1.0 and True for equal, and members in any order.
    assert json.dumps(read(written(value))) == json.dumps(value)


@given(BODIES)
def test_a_document_that_was_written_is_written_the_same_again(value):
    document = written(value)
    assert written(read(document)) == document


@pytest.mark.parametrize(
    "text", ["\r", "\r\n", "\t", " ", "\n a \n", "]]>", "&amp;", "\0", "\x1f", "\ufffe", "\x85", "\\u0000"]
)
def test_texts_that_xml_would_change_are_kept(text):
    for value in (text, {"name": text}, {text: "value"}, [text, {text: text}]):
        assert read(written(value)) == value


@pytest.mark.parametrize(
    ("value", "document"),
    [
        ({"volume": {"size": 1, "name": "a<b"}}, '<volume><size type="number">1</size><name>a&lt;b</name></volume>'),
        ({"volumes": []}, '<volumes type="array"></volumes>'),
        ({"volumes": [{"id": "x"}]}, '<volumes type="array"><volume><id>x</id></volume></volumes>'),
        ({"metadata": {"a b": ""}}, '<metadata><member key="a b"></member></metadata>'),
        ({"m": {"\x01": "\x02"}}, '<m><member escaped-key="\\u0001" escaped="true">\\u0002</member></m>'),
        ({"os-reserve": None}, '<os-reserve null="true"></os-reserve>'),
        ({"os-reserve": {}}, '<os-reserve type="object"></os-reserve>'),
        ({"os-extend": {"force": True}}, '<os-extend><force type="boolean">true</force></os-extend>'),
        ({"host": "h", "binary": "b"}, '<body whole="true"><host>h</host><binary>b</binary></body>'),
        ({}, '<body whole="true" type="object"></body>'),
        ([1], '<body whole="true" type="array"><item type="number">1</item></body>'),
        (None, '<body whole="true" null="true"></body>'),
    ],
)  # fmt: skip
def test_a_body_is_written_as_the_document_says(value, document):
    assert written(value).decode() == f'<?xml version="1.0" encoding="UTF-8"?>\n{document}'
    assert read(document.encode()) == value


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("volumes", "volume"),
        ("volumes_links", "volumes_link"),
        ("media-types", "media-type"),
        ("policies", "policy"),
        ("volume_type_access", "item"),
        ("availabilityZoneInfo", "item"),
        ("s", "item"),
        ("not a name, but things", "item"),
    ],
)
def test_the_items_of_a_list_are_called_by_its_singular(name, item):
    assert singular(name) == item


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (b"<volume><size>1</size></volume>", {"volume": {"size": "1"}}),
        (b"<volume>\n  <size type='number'> 1 </size>\n</volume>", {"volume": {"size": 1}}),
        (b"\xef\xbb\xbf<a/>", {"a": ""}),
        (b"<?xml version='1.0' encoding='utf-8'?><!-- by hand --><a>1<!-- or -->2<?x y?></a>", {"a": "12"}),
        (b"<a><![CDATA[<b/>]]></a>", {"a": "<b/>"}),
        (b"<a type='array'><x>1</x><y>2</y></a>", {"a": ["1", "2"]}),
        (b"<a null='false' type='string'>x</a>", {"a": "x"}),
        ("<a>é&#233;</a>".encode(), {"a": "éé"}),
    ],
)
def test_what_people_write_by_hand_is_understood(document, value):
    assert read(document) == value


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "not well-formed"),
        (b"{}", "not well-formed"),
        (b"<a><b></a>", "not well-formed"),
        (b"<a/><b/>", "not well-formed"),
        (b"<a>\x00</a>", "not well-formed"),
        (b"<a>&nbsp;</a>", "not well-formed"),
        (b"<a>\xff</a>", "not UTF-8"),
        ("<a>x</a>".encode("utf-16"), "not UTF-8"),
        (b"<?xml version='1.0' encoding='latin-1'?><a>x</a>", "only UTF-8"),
        (b"<a xmlns='urn:x'/>", "namespace"),
        (b"<x:a xmlns:x='urn:x'/>", "namespace"),
        (b"<a b='1'/>", "attribute b"),
        (b"<a><b whole='true'/></a>", "attribute whole"),
        (b"<a>text<b/></a>", "text between"),
        (b"<a><b/><b/></a>", "twice"),
        (b"<a><b/><member key='b'/></a>", "twice"),
        (b"<a type='map'/>", "unknown type"),
        (b"<a type='string'><b/></a>", "elements in it"),
        (b"<a null='true'>x</a>", "content"),
        (b"<a null='yes'/>", "neither"),
        (b"<a type='number'>x</a>", "no number"),
        (b"<a type='number'>true</a>", "no number"),
        (b"<a type='number'>NaN</a>", "no number"),
        (b"<a type='number'>1e999</a>", "no number"),
        (b"<a type='number'>" + b"1" * 5000 + b"</a>", "no number"),
        (b"<a type='boolean'>1</a>", "no boolean"),
        (b"<a escaped='true'>\\x</a>", "escaped"),
        (b'<a escaped="true">","</a>', "escaped"),
    ],
)
def test_what_stands_for_no_value_is_refused_with_the_reason(document, reason):
    with pytest.raises(NotReadable, match=reason):
        read(document)


LAUGHS = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))
ATTACKS = {
    "entities in entities": f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>',
    "one long entity many times": f'<!DOCTYPE a [<!ENTITY x "{"x" * 50_000}">]><a>{"&x;" * 10_000}</a>',
    "a file": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
    "an address": '<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]><a>&x;</a>',
    "parameter entities": '<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/hostname">%x;]><a/>',
    "a DTD elsewhere": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
    "a DTD without anything": "<!DOCTYPE a><a/>",
    "depth": "<a>" * 20_000,
    "depth that is closed": "<a>" * 15_000 + "</a>" * 15_000,
    "attributes": "<a " + " ".join(f"a{number}='1'" for number in range(8_000)) + "/>",
    "an endless name": "<" + "a" * 114_000,
    "an endless comment": "<a><!--" + "-x" * 57_000,
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_refused_within_little_memory(name):
    document = ATTACKS[name].encode()
    tracemalloc.start()
    try:
        with pytest.raises(NotReadable):
            read(document)
        assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    finally:
        tracemalloc.stop()


def test_the_deepest_document_that_is_read_is_read():
    document = b"<a>" * DEEPEST + b"</a>" * DEEPEST
    assert read(document)
    with pytest.raises(NotReadable, match="deeper"):
        read(b"<a>" + document + b"</a>")
