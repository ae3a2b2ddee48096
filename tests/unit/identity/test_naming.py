"""One name for each thing: the same from every form of its code, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.identity.codes import SYSTEMS, convert, parse_any, parse_as
from millwright.identity.handle.naming import check_handle, fold
from millwright.identity.records.naming import code_of, code_of_text, name_of, name_of_text
from millwright.kernel import Invalid, Unsupported


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("88.118.8/Pump-7", "88.118.8/Pump-7"),
        ("https://hdl.handle.net/20.500.1/a%2Fb?noredirect", "20.500.1/a/b"),
        ("doi:10.1000/182", "10.1000/182"),
        ("09506000134352", "GS1/01/09506000134352"),
        ("9506000134352", "GS1/01/09506000134352"),
        ("(01)09506000134352(10)AB(21)123", "GS1/01/09506000134352/10/AB/21/123"),
        ("(21)123(10)AB(01)09506000134352", "GS1/01/09506000134352/10/AB/21/123"),
        ("https://example.com/shop/01/09506000134352/21/123?17=271231&utm=x", "GS1/01/09506000134352/21/123"),
        ("https://id.gs1.org/01/09506000134352/21/aB%2F1", "GS1/01/09506000134352/21/~aB%2F1"),
        ("(01)09506000134352(21)aB/1", "GS1/01/09506000134352/21/~aB%2F1"),
        ("urn:epc:id:sgtin:9506000.013435.123", "GS1/01/09506000134352/21/123"),
        ("urn:epc:idpat:sgtin:9506000.013435.*", "GS1/01/09506000134352"),
        ("(00)106141412345678908", "GS1/00/106141412345678908"),
        ("1.2.156.3", "OID/1.2.156.3"),
        ("urn:oid:1.2.156.3", "OID/1.2.156.3"),
        ("{iso(1) member-body(2) 156 3}", "OID/1.2.156.3"),
        ("did:web:Example.COM:Factory:7#key-1", "DID/did:web:example.com:~Factory:7"),
        ("did:bid:ef21AHDJDnVHeGvjfpJ5kUTEdXu3hVDuX", "DID/did:bid:ef21~A~H~D~J~Dn~V~He~Gvjfp~J5k~U~T~Ed~Xu3h~V~Du~X"),
        ("ecode:100641234567890", "ECODE/100641234567890"),
        ("MA.156.M0.100001.1ABCDEF8.L2408", "MA/156.M0.100001.1ABCDEF8.L2408"),
        ("MA.156.1000.7/p", "MA/156.1000.7/~p"),
        ("AHM.12a", "AHM/.12~a"),
    ],
)  # fmt: skip
def test_each_code_has_its_name(text: str, name: str) -> None:
    assert name_of_text(text) == name
    assert check_handle(name.encode())
    # From the name as it is compared, too.
    for form in (name, fold(name.encode()).decode()):
        assert fold(name_of(code_of(form)).encode()) == fold(name.encode())


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_the_example_of_each_system_has_a_name(system) -> None:
    name = name_of(system.parse(system.example))
    assert name_of(code_of(name)) == name
    assert name_of_text(name) == name


def test_what_differs_only_in_case_is_two_things_where_the_system_says_so() -> None:
    small, large = (name_of_text(f"(01)09506000134352(21){serial}") for serial in ("ab", "AB"))
    assert fold(small.encode()) != fold(large.encode())
    assert convert(code_of(small), "element_string") == "(01)09506000134352(21)ab"
    assert convert(code_of(fold(small.encode()).decode()), "element_string") == "(01)09506000134352(21)ab"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://node.example/id/88.118.8%2Fpump-7", "88.118.8/pump-7"),
        ("https://node.example/id/1.2.156.3?lang=zh", "OID/1.2.156.3"),
        ("http://node.example:8080/api/handles/86.1000.1/a?index=1", "86.1000.1/a"),
        ("https://node.example/1.0/identifiers/did:web:example.com", "DID/did:web:example.com"),
        ("oid/1.2.156.3", "OID/1.2.156.3"),
        ("GS1/01/09506000134352/21/ab", "GS1/01/09506000134352/21/~a~b"),
        ("GS1/01/09506000134352/21/~a~b", "GS1/01/09506000134352/21/~a~b"),
        ("DID/DID:WEB:EXAMPLE.COM", "DID/did:web:example.com"),
        ("  88.118.8/pump-7 ", "88.118.8/pump-7"),
    ],
)
def test_addresses_and_names_are_understood_too(text: str, name: str) -> None:
    assert name_of_text(text) == name


@pytest.mark.parametrize("text", ["", "hello", "GS1/01/09506000134353", "OID/9.9", "https://node.example/id/%FF"])
def test_what_is_no_code_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(Invalid) as error:
        name_of_text(text)
    assert error.value.code in ("identity.code_invalid", "identity.code_unknown")


@pytest.mark.parametrize("text", ["(90)ABC", "urn:epc:id:gid:95100000.12345.400"])
def test_what_names_no_thing_here_has_no_name(text: str) -> None:
    with pytest.raises(Unsupported) as error:
        name_of_text(text)
    assert error.value.code == "identity.no_such_form"


def test_elements_beside_a_key_that_no_link_may_say_are_left_out() -> None:
    code = parse_any("(8200)https://example.com(01)09506000134352(10)X").code
    assert code.kind == "element_string"
    assert name_of(code) == "GS1/01/09506000134352/10/X"


@given(st.text(alphabet="!\"%&'()*+,-./:;<=>?_ABCZabcz019", min_size=1, max_size=20))
def test_every_serial_number_has_a_name_of_its_own(serial: str) -> None:
    code = parse_as("(01)09506000134352(21)" + serial.replace("(", "\\("), "gs1").code
    name = name_of(code)
    back = code_of(fold(name.encode()).decode())
    assert next(part.value for part in back.parts if part.name == "21") == serial
    assert name_of_text(name) == name


@given(st.text(alphabet="~AaZz0.-/é中", min_size=1, max_size=20))
def test_every_ecode_has_a_name_of_its_own(master: str) -> None:
    code = parse_as("ecode:400001" + master, "ecode").code
    assert code_of(name_of(code)).canonical == code.canonical


@given(st.text(max_size=40))
def test_any_text_has_a_name_or_is_refused(text: str) -> None:
    try:
        name = name_of_text(text)
    except (Invalid, Unsupported):
        return
    assert code_of_text(name)


def test_the_path_of_a_digital_link_is_one_without_its_host() -> None:
    assert name_of_text("01/09506000134352/10/aB") == "GS1/01/09506000134352/10/~aB"
    assert code_of_text("01/09506000134353").system == "handle"  # its check digit is wrong
    assert code_of_text("88.118.8/01").system == "handle"
