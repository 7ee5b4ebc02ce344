"""Canonical XML as it flows: equal to the specification and to libxml2, for whole documents and parts."""

import hashlib
import io
import random
from typing import Any

import pytest
from lxml import etree

from edoc.edxml.canonical import Method, Target, Uncanonical, canonicalise

PREFIXES = ("", "a", "b", "c")
NAMES = ("urn:1", "urn:2", "http://x/?a=b")
VALUES = ("v", "a&lt;b&quot;&#9;&#10;&#13;  c&gt;", "é𝄞", "\nn")
TEXTS = ("t&amp;&lt;&gt;&#13;\r\nz", "<?pi  d ?>", "<?q?>", "<![CDATA[<&]]>", " ", "Ủy ban")


def canonical(
    text: str, method: Method | None = None, *, apex: int | None = None, omit: int | None = None
) -> str:
    out = bytearray()
    target = Target(method=method or Method(), write=out.extend, apex=apex, omit=omit)
    canonicalise(io.BytesIO(text.encode()), [target], most=1 << 20)
    return out.decode()


def by_libxml2(text: str, method: Method) -> str:
    out = io.BytesIO()
    tree: Any = etree.fromstring(text.encode()).getroottree()
    listed = sorted(method.prefixes) or None
    tree.write_c14n(
        out, exclusive=method.exclusive, with_comments=method.comments, inclusive_ns_prefixes=listed
    )
    return out.getvalue().decode()


def grow(chance: random.Random, scope: dict[str, str], depth: int = 0) -> str:
    """A random element; its namespaces, prefixes and attributes make sense."""
    scope, declared, attributes, taken = dict(scope), "", "", set()
    for prefix in PREFIXES:
        if chance.random() < 0.25:
            scope[prefix] = chance.choice((*NAMES, "") if not prefix else NAMES)
            declared += f' xmlns{":" if prefix else ""}{prefix}="{scope[prefix]}"'
    usable = [prefix for prefix in PREFIXES if not prefix or scope.get(prefix)]
    for _ in range(chance.randrange(3)):
        prefix, local = chance.choice([*usable, "xml"]), chance.choice(["k", "lang", "space"])
        key = (scope.get(prefix, "xml") if prefix else "", local)
        if key not in taken:
            attributes += f' {prefix}{":" if prefix else ""}{local}="{chance.choice(VALUES)}"'
        taken.add(key)
    prefix = chance.choice(usable)
    name = f"{prefix}{':' if prefix else ''}{chance.choice('xyz')}"
    inside = "".join(
        grow(chance, scope, depth + 1) if depth < 4 and chance.random() < 0.5 else chance.choice(TEXTS)
        for _ in range(chance.randrange(5))
    )
    return f"<{name}{declared}{attributes}>{inside}</{name}>"


@pytest.mark.parametrize(
    "method",
    [
        Method(),
        Method(comments=True),
        Method(exclusive=True),
        Method(exclusive=True, comments=True, prefixes=frozenset({"a"})),
        Method(exclusive=True, prefixes=frozenset({"a", "b"})),
    ],
    ids=["inclusive", "with comments", "exclusive", "exclusive, listed", "exclusive, two listed"],
)
def test_random_documents_are_canonicalised_as_libxml2_does(method: Method) -> None:
    chance = random.Random(20260205)
    for _ in range(300):
        text = f"<?p q?><!-- x -->{grow(chance, {})}\n<!-- y -->"
        assert canonical(text, method) == by_libxml2(text, method), text


def test_a_part_takes_over_the_namespaces_and_xml_attributes_around_it() -> None:
    text = '<a xmlns="urn:d" xmlns:p="urn:p" xml:lang="vi" xml:id="i"><p:b><c xml:lang="en" k="1"/></p:b></a>'
    assert canonical(text, apex=3) == ('<c xmlns="urn:d" xmlns:p="urn:p" k="1" xml:id="i" xml:lang="en"></c>')
    assert canonical(text, Method(eleven=True), apex=2) == (
        '<p:b xmlns="urn:d" xmlns:p="urn:p" xml:lang="vi"><c k="1" xml:lang="en"></c></p:b>'
    )
    assert canonical(text, Method(exclusive=True), apex=2) == (
        '<p:b xmlns:p="urn:p"><c xmlns="urn:d" k="1" xml:lang="en"></c></p:b>'
    )
    listed = Method(exclusive=True, prefixes=frozenset({"", "p"}))
    assert canonical(text, listed, apex=3) == ('<c xmlns="urn:d" xmlns:p="urn:p" k="1" xml:lang="en"></c>')


def test_an_undeclared_default_namespace_is_written_where_it_ends() -> None:
    text = '<a xmlns="urn:d"><b xmlns=""><c/></b><p:e xmlns:p="urn:p" xmlns=""><f/></p:e></a>'
    assert canonical(text) == (
        '<a xmlns="urn:d"><b xmlns=""><c></c></b><p:e xmlns="" xmlns:p="urn:p"><f></f></p:e></a>'
    )
    assert canonical(text, Method(exclusive=True)) == (
        '<a xmlns="urn:d"><b xmlns=""><c></c></b><p:e xmlns:p="urn:p"><f xmlns=""></f></p:e></a>'
    )


def test_an_element_left_out_leaves_the_text_around_it() -> None:
    assert canonical("<a>1<s>x<t/></s>2<u/></a>", omit=2) == "<a>12<u></u></a>"


def test_every_encoding_and_spelling_has_one_canonical_form() -> None:
    plain = '<a k="v">Ủy ban\n5</a>'
    spelt = "<?xml version='1.0'?>\r\n<a\r\n  k = 'v' >&#x1EE6;y ban\r\n<![CDATA[5]]></a >"
    out = bytearray()
    source = io.BytesIO(b"\xff\xfe" + plain.encode("utf-16-le"))
    canonicalise(source, [Target(method=Method(), write=out.extend)], most=1000)
    assert canonical(plain) == canonical(spelt) == out.decode() == plain


def test_the_bytes_read_are_told_by_their_sha256() -> None:
    text = b"<a/>"
    assert canonicalise(io.BytesIO(text), [], most=0) == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<p:a/>", "prefix 'p' is not bound"),
        ("<a p:k='1'/>", "prefix 'p' is not bound"),
        ("<a xmlns:p='urn:1' xmlns:q='urn:1' p:k='1' q:k='2'/>", "same attribute twice"),
        ("<a xmlns='relative'/>", "relative"),
        ("<a xmlns:p=''/>", "declared without"),
        ("<a xmlns:xml='urn:1'/>", "reserved"),
        ("<a xmlns:p='http://www.w3.org/2000/xmlns/'/>", "reserved"),
        ("<a:b:c xmlns:a='urn:1'/>", "no name"),
        ("<:a/>", "no name"),
        (f"<a xmlns='urn:{'x' * 3000}'/>", "longer than"),
        ("<a>1<!-- --></a>", "comment stands inside a text"),
        ("<a><!-- -->1</a>", "comment stands inside a text"),
        ("<!DOCTYPE a><a/>", "DTD"),
        ("<a><b></a>", "not well-formed"),
        ("<a/>" + " " * (1 << 18) + "<b/>", "not well-formed"),
    ],
)
def test_what_has_no_canonical_form_is_refused(text: str, said: str) -> None:
    with pytest.raises(Uncanonical, match=said):
        canonical(text)


def test_a_base_address_that_would_have_to_be_joined_is_refused() -> None:
    text = "<a xml:base='http://x/'><b xml:base='y/'/></a>"
    assert canonical(text, apex=2) == '<b xml:base="y/"></b>'
    with pytest.raises(Uncanonical, match="xml:base"):
        canonical(text, Method(eleven=True), apex=2)


def test_a_document_that_grows_without_end_is_stopped() -> None:
    text = f"<a xmlns:p='urn:{'x' * 1900}'>{'<p:b/>' * 4000}</a>"
    with pytest.raises(Uncanonical, match="too long"):
        canonical(text, Method(exclusive=True))
    assert len(canonical(text)) < 70_000
