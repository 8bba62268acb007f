"""What a CAS server sends is taken whole and as it must be, or not at all."""

import pytest

from auth.assertion import SignOnRefused
from auth.cas_answers import MOST_BYTES, CasAnswer, read_answer, read_logout_request

_CAS = "http://www.yale.edu/tp/cas"


def _answer(inside: str, root: str = "cas:serviceResponse", namespace: str = _CAS, before: str = "") -> bytes:
    return f'{before}<{root} xmlns:cas="{namespace}">{inside}</{root}>'.encode()


def _success(inside: str) -> str:
    return f"<cas:authenticationSuccess>{inside}</cas:authenticationSuccess>"


def _user(name: str) -> str:
    return f"<cas:user>{name}</cas:user>"


_GOOD = _success(_user("zhang"))
_ENTITIES = "".join(f'<!ENTITY e{n} "&e{n - 1};&e{n - 1};&e{n - 1};&e{n - 1};">' for n in range(1, 12))
_HOSTILE = {
    "entities that swell": _answer(_success(_user("&e11;")), before=f'<!DOCTYPE x [<!ENTITY e0 "ha">{_ENTITIES}]>'),
    "a file as entity": _answer(
        _success(_user("&f;")), before='<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    ),
    "a definition that defines nothing": _answer(_GOOD, before="<!DOCTYPE x>"),
    "an instruction": _answer(_GOOD, before='<?xml-stylesheet href="x"?>'),
    "failure beside success": _answer(f'{_GOOD}<cas:authenticationFailure code="X"/>'),
    "failure before success": _answer(f'<cas:authenticationFailure code="X"/>{_GOOD}'),
    "two successes": _answer(_GOOD + _GOOD),
    "two users": _answer(_success(_user("zhang") + _user("admin"))),
    "a user inside attributes": _answer(_success(f"{_user('zhang')}<cas:attributes>{_user('admin')}</cas:attributes>")),
    "no user": _answer(_success("")),
    "an element inside the user": _answer(_success("<cas:user>zh<cas:b>a</cas:b>ng</cas:user>")),
    "another namespace": _answer(_GOOD, namespace="http://www.evil.example/tp/cas"),
    "no namespace": b"<serviceResponse><authenticationSuccess><user>a</user></authenticationSuccess></serviceResponse>",
    "another root": _answer(_GOOD, root="cas:proxyResponse"),
    "success further down": _answer(f"<cas:x>{_GOOD}</cas:x>"),
    "a proxy's ticket": _answer(_success(f"{_user('zhang')}<cas:proxies><cas:proxy>x</cas:proxy></cas:proxies>")),
    "attributes twice": _answer(_success(f"{_user('z')}<cas:attributes/><cas:attributes/>")),
    "too deep": _answer("<cas:a>" * 10_000),
    "too many": _answer(_success(_user("zhang") + "<cas:a/>" * 400)),
    "too long": _answer(_success(_user("a" * MOST_BYTES))),
    "UTF-16": _answer(_GOOD, before="<?xml version='1.0' encoding='utf-16'?>").decode().encode("utf-16"),
    "UTF-7": b"+ADw-cas:serviceResponse+AD4-",
    "CAS 1.0": b"yes\nzhang\n",
    "half": _answer(_GOOD)[:-20],
    "two documents": _answer(_GOOD) * 2,
    "nothing": b"",
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_an_answer_that_is_not_exactly_right_is_refused(name: str) -> None:
    with pytest.raises(SignOnRefused) as refused:
        read_answer(_HOSTILE[name])
    assert refused.value.reason == "answer_refused"


def test_the_rightful_answer_is_taken_with_its_attributes() -> None:
    told = "<cas:org>市级平台</cas:org><cas:org>指挥中心</cas:org><cas:name>张三</cas:name><cas:none/>"
    found = read_answer(_answer(_success(f"{_user(' zhang ')}<cas:attributes>{told}</cas:attributes>")))
    assert found == CasAnswer("zhang", {"org": ["市级平台", "指挥中心"], "name": ["张三"], "none": [""]})
    assert read_answer(_answer(_success(_user("<![CDATA[zhang]]>"))))[0] == "zhang"


def test_a_comment_does_not_cut_a_name() -> None:
    assert read_answer(_answer(_success(_user("admin<!-- x -->.zhang")))).user == "admin.zhang"


def test_a_ticket_the_server_does_not_know_is_told_apart_from_nonsense() -> None:
    failure = '<cas:authenticationFailure code="INVALID_TICKET">no</cas:authenticationFailure>'
    with pytest.raises(SignOnRefused) as refused:
        read_answer(_answer(failure))
    assert refused.value.reason == "upstream_refused"


_LOGOUT = (
    '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
    ' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="a" Version="2.0" IssueInstant="2026-01-01T00:00:00Z">'
    "<saml:NameID>@NOT_USED@</saml:NameID><samlp:SessionIndex>ST-1</samlp:SessionIndex></samlp:LogoutRequest>"
)


def test_a_logout_names_one_ticket() -> None:
    assert read_logout_request(_LOGOUT.encode()) == "ST-1"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SAML:2.0:protocol", "SAML:1.0:protocol"),
        ("LogoutRequest", "LogoutResponse"),
        ("<samlp:SessionIndex>", "<samlp:SessionIndex>ST-0</samlp:SessionIndex><samlp:SessionIndex>"),
        ("<samlp:SessionIndex>ST-1</samlp:SessionIndex>", ""),
        ("<samlp:LogoutRequest", "<!DOCTYPE x><samlp:LogoutRequest"),
        ("ST-1", "<saml:NameID>ST-1</saml:NameID>"),
        ("</samlp:LogoutRequest>", ""),
    ],
)
def test_a_logout_that_is_not_exactly_right_is_refused(old: str, new: str) -> None:
    with pytest.raises(SignOnRefused):
        read_logout_request(_LOGOUT.replace(old, new).encode())
