"""Reading what a CAS server sends: its answer about a ticket, and its logout request. Pure.

Read with expat and handlers that refuse: nothing is built before it is found to be allowed. One success and nothing
else, one user, the right namespace, in UTF-8, without definitions, entities or instructions; bounded in size, depth
and number. Called by ``auth.cas_client``.
"""

from typing import NamedTuple, NoReturn
from xml.parsers import expat

from auth.assertion import SignOnRefused

MOST_BYTES = 64 * 1024
MOST_DEPTH = 8
MOST_ELEMENTS = 300
_CAS = "http://www.yale.edu/tp/cas"
_PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
_RESPONSE, _SUCCESS, _USER = f"{_CAS} serviceResponse", f"{_CAS} authenticationSuccess", f"{_CAS} user"
_ATTRIBUTES = f"{_CAS} attributes"


class CasAnswer(NamedTuple):
    """Who a ticket was for, and what is told about them; an attribute may come several times."""

    user: str
    attributes: dict[str, list[str]]


class Element(NamedTuple):
    """An element that ended: where it stood, root first, and the text right in it."""

    path: tuple[str, ...]
    text: str
    is_leaf: bool


def read_answer(body: bytes) -> CasAnswer:
    """Returns who a ticket was for.

    Raises:
        SignOnRefused: the server says it is not valid, or its answer is not exactly what it must be.
    """
    elements = read_elements(body)
    if not elements or elements[-1].path != (_RESPONSE,):
        _refuse("root")
    below = [element.path[1] for element in elements if len(element.path) == 2]
    if below == [f"{_CAS} authenticationFailure"]:
        raise SignOnRefused("upstream_refused", "the server does not know the ticket")
    if below != [_SUCCESS]:
        _refuse("not one success")
    inside = [element for element in elements if len(element.path) > 2]
    users = [element for element in inside if element.path[-1] == _USER]
    if len(users) != 1 or users[0].path != (_RESPONSE, _SUCCESS, _USER) or not users[0].is_leaf:
        _refuse("not one user")
    if any(element.path[2] == f"{_CAS} proxies" for element in inside):
        _refuse("a proxy's ticket")
    if sum(element.path == (_RESPONSE, _SUCCESS, _ATTRIBUTES) for element in inside) > 1:
        _refuse("attributes twice")
    attributes: dict[str, list[str]] = {}
    for element in inside:
        namespace, _, name = element.path[-1].partition(" ")
        if element.path[:-1] == (_RESPONSE, _SUCCESS, _ATTRIBUTES) and element.is_leaf and namespace == _CAS:
            attributes.setdefault(name, []).append(element.text.strip())
    return CasAnswer(users[0].text.strip(), attributes)


def read_logout_request(body: bytes) -> str:
    """Returns the ticket a logout request names.

    Raises:
        SignOnRefused: it is not exactly what it must be.
    """
    elements = read_elements(body)
    if not elements or elements[-1].path != (f"{_PROTOCOL} LogoutRequest",):
        _refuse("root of the logout")
    named = [element for element in elements if element.path[-1] == f"{_PROTOCOL} SessionIndex"]
    if len(named) != 1 or len(named[0].path) != 2 or not named[0].is_leaf:
        _refuse("not one session")
    return named[0].text.strip()


def read_elements(body: bytes) -> list[Element]:
    """Returns the elements of a document in the order they end, the root last.

    Raises:
        SignOnRefused: it is no XML, or more than is allowed of it.
    """
    if len(body) > MOST_BYTES:
        _refuse("too large")
    # The parser guesses UTF-16 from the first bytes whatever it is told; nothing hides behind another encoding here.
    if b"\0" in body or not _is_utf8(body):
        _refuse("not UTF-8")
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    reading = _Reading()
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ProcessingInstructionHandler = _refuse_it
    parser.ExternalEntityRefHandler = _refuse_it
    try:
        parser.Parse(body, True)  # noqa: FBT003 — expat takes it by position
    except expat.ExpatError as error:
        _refuse(f"no XML: {expat.ErrorString(error.code)}")
    return reading.elements


class _Reading:
    def __init__(self) -> None:
        self.elements: list[Element] = []
        self._path: list[str] = []
        self._texts: list[list[str]] = []
        self._are_leaves: list[bool] = []
        self._count = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST_ELEMENTS or len(self._path) >= MOST_DEPTH:
            _refuse("too many or too deep")
        if self._are_leaves:
            self._are_leaves[-1] = False
        self._path.append(name)
        self._texts.append([])
        self._are_leaves.append(True)

    def end(self, _name: str) -> None:
        self.elements.append(Element(tuple(self._path), "".join(self._texts.pop()), self._are_leaves.pop()))
        self._path.pop()

    def text(self, text: str) -> None:
        self._texts[-1].append(text)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _refuse_it(*_: object) -> NoReturn:
    _refuse("definitions or instructions")


def _refuse(what: str) -> NoReturn:
    raise SignOnRefused("answer_refused", f"CAS answer: {what}")
