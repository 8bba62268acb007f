"""The shapes of SCIM 2.0 as far as this hub speaks it: people, their names, their unit, and whether they are active.

Pure: reads bodies into an ``Entry`` and writes entries out. What becomes of them is ``hub.signon.lists``. Other
attributes (telephones, mail addresses, passwords, groups) are not taken, so they are not kept.

Source: RFC 7643 (schema), RFC 7644 (protocol).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from exchange_db.people_lists import ListedRow

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"
#: Characters of an attribute; operations of a patch; entries of a page.
_MOST_CHARACTERS, _MOST_OPERATIONS, MOST_RESULTS = 200, 100, 200
_FILTER = re.compile(r'\s*(userName|externalId|id)\s+eq\s+("(?:[^"\\]|\\.)*")\s*', re.IGNORECASE)
#: Where an attribute stands in a user, by its path in lower case.
_PATHS = {
    "username": "user_name",
    "externalid": "external_id",
    "name.formatted": "formatted",
    "name.givenname": "given_name",
    "name.familyname": "family_name",
    "displayname": "display_name",
    "active": "is_active",
    f"{ENTERPRISE.lower()}:department": "unit",
}
#: What is wrong, by the word of RFC 7644, section 3.12.
_PROBLEMS = {
    "invalidFilter": ("只支持 userName、externalId、id 的 eq 查询", "only userName, externalId or id with eq"),
    "tooMany": ("名单人数已达上限", "the list is as long as may be"),
    "uniqueness": ("该用户已在名单中", "this user is on the list already"),
    "mutability": ("标识一经登记不得更改，请另建用户", "names a user is known by never change; make another user"),
    "invalidSyntax": ("请求不是规定的 SCIM 结构", "not a SCIM request of the right shape"),
    "invalidPath": ("没有这个属性", "there is no such attribute"),
    "noTarget": ("缺少 path", "a path is wanted"),
    "invalidValue": ("属性值不符合要求", "the value does not fit"),
    "": ("无法办理", "cannot be done"),
}


class ScimRefused(Exception):
    """A request is refused.

    Attributes:
        status: of HTTP.
        kind: a word of RFC 7644, section 3.12, or nothing.
        where: the attribute or parameter.
    """

    def __init__(self, status: int, kind: str = "", where: str = "") -> None:
        super().__init__(f"{status} {kind} {where}")
        self.status = status
        self.kind = kind
        self.where = where

    def as_body(self, told: tuple[str, str] | None = None) -> dict[str, Any]:
        """Returns the error as SCIM writes it; ``told`` is what to say instead, in Chinese and English."""
        text = " / ".join(told or _PROBLEMS[self.kind])
        body = {
            "schemas": [f"{_MESSAGES}Error"],
            "status": str(self.status),
            "detail": f"{self.where}: {text}" if self.where else text,
        }
        return {**body, "scimType": self.kind} if self.kind else body


class Entry(NamedTuple):
    """What a list tells about somebody. ``external_id`` is ``None`` where the platform gives none."""

    user_name: str
    external_id: str | None = None
    formatted: str = ""
    given_name: str = ""
    family_name: str = ""
    display_name: str = ""
    unit: str = ""
    is_active: bool = True

    @property
    def subject(self) -> str:
        """What the platform calls them when it signs them on."""
        return self.external_id or self.user_name

    @property
    def name(self) -> str:
        """How people call them."""
        spelt = self.family_name + self.given_name
        return self.display_name or self.formatted or spelt or self.user_name


def entry_of(row: ListedRow) -> Entry:
    """Returns what a kept entry tells."""
    return Entry(*(getattr(row, name) for name in Entry._fields))


def read_json(body: bytes) -> dict[str, Any]:
    """Reads a body.

    Raises:
        ScimRefused: it is no JSON object, or its objects stand too deep in each other.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise ScimRefused(400, "invalidSyntax") from None
    if not isinstance(value, dict):
        raise ScimRefused(400, "invalidSyntax")
    return value


def read_user(body: Mapping[str, Any], before: Entry | None = None) -> Entry:
    """Reads a user that is made, or put in the place of one.

    A user that is put without ``active`` stays as they are: nobody comes back because a word was left out.

    Raises:
        ScimRefused: invalidSyntax, invalidValue, or mutability.
    """
    _require_schema(body, USER)
    values = {field: value for field, value in _flat(body, "").items() if value is not None}
    if "user_name" not in values:
        raise ScimRefused(400, "invalidValue", "userName")
    if before is not None:
        values = {"is_active": before.is_active, "external_id": before.external_id, **values}
    return _checked(Entry(**values), before)


def read_patch(body: Mapping[str, Any], before: Entry) -> Entry:
    """Reads changes to a user.

    Raises:
        ScimRefused: invalidSyntax, invalidPath, invalidValue, noTarget, or mutability.
    """
    _require_schema(body, f"{_MESSAGES}PatchOp")
    operations = _lower(body).get("operations")
    if not isinstance(operations, list) or not 0 < len(operations) <= _MOST_OPERATIONS:
        raise ScimRefused(400, "invalidSyntax", "Operations")
    entry = before
    for operation in operations:
        entry = _patched(operation, entry)
    return _checked(entry, before)


def read_filter(text: str) -> dict[str, str]:
    """Returns the column a filter names and what is to stand in it; nothing for no filter.

    Raises:
        ScimRefused: invalidFilter.
    """
    if not text:
        return {}
    found = _FILTER.fullmatch(text) if len(text) <= 2 * _MOST_CHARACTERS else None
    try:
        value = msgspec.json.decode(found[2].encode(), type=str) if found else None
    except (msgspec.DecodeError, UnicodeError):
        value = None
    if found is None or value is None or "\0" in value:
        raise ScimRefused(400, "invalidFilter", "filter")
    return {"id": value} if found[1].lower() == "id" else {_PATHS[found[1].lower()]: value}


def as_user(row: ListedRow, base: str) -> dict[str, Any]:
    """Returns a user as SCIM writes one; ``base`` is the address of the door."""
    names = {"formatted": row.formatted, "givenName": row.given_name, "familyName": row.family_name}
    told = {
        "externalId": row.external_id,
        "name": {name: value for name, value in names.items() if value},
        "displayName": row.display_name,
        ENTERPRISE: {"department": row.unit} if row.unit else {},
    }
    return {
        "schemas": [USER, *([ENTERPRISE] if row.unit else [])],
        "id": str(row.person_id),
        "userName": row.user_name,
        "active": row.is_active,
        **{name: value for name, value in told.items() if value},
        "meta": {
            "resourceType": "User",
            "created": _time(row.made_time),
            "lastModified": _time(row.changed_time),
            "location": f"{base}/Users/{row.person_id}",
        },
    }


def cut(user: dict[str, Any], attributes: str, excluded: str) -> dict[str, Any]:
    """Returns a user with the attributes that were asked for, by name and parted by commas; ``id`` is always told."""
    wanted, unwanted = (
        {_path(name.strip()) for name in text.split(",") if name.strip()} for text in (attributes, excluded)
    )
    return _cut(user, "", wanted, unwanted)


def _cut(value: dict[str, Any], prefix: str, wanted: set[str], unwanted: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, inner in value.items():
        path = f"{prefix}{name.lower()}"
        if path in ("id", "schemas"):
            found[name] = inner
        elif path in unwanted:
            continue
        elif isinstance(inner, dict):
            # All of what has parts is wanted when it is named itself, and some of it when a part is.
            parts = _cut(inner, f"{path}{':' if ':' in path else '.'}", set() if path in wanted else wanted, unwanted)
            if parts:
                found[name] = parts
        elif not wanted or path in wanted:
            found[name] = inner
    return found


def as_list(resources: list[dict[str, Any]], total: int | None = None, start: int = 1) -> dict[str, Any]:
    """Returns a page of a list as SCIM writes one."""
    return {
        "schemas": [f"{_MESSAGES}ListResponse"],
        "totalResults": len(resources) if total is None else total,
        "startIndex": start,
        "itemsPerPage": len(resources),
        "Resources": resources,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _require_schema(body: Mapping[str, Any], schema: str) -> None:
    given = _lower(body).get("schemas")
    if not isinstance(given, list) or schema.lower() not in {str(one).lower() for one in given}:
        raise ScimRefused(400, "invalidSyntax", "schemas")


def _lower(value: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an object by its names in lower case: they are the same in any; none may come twice."""
    lower = {name.lower(): inner for name, inner in value.items()}
    if len(lower) != len(value):
        raise ScimRefused(400, "invalidSyntax")
    return lower


def _flat(value: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Returns the fields an object sets; attributes that are not taken are left out."""
    found: dict[str, Any] = {}
    for name, inner in _lower(value).items():
        path = _path(f"{prefix}{name}")
        if path in _PATHS:
            found[_PATHS[path]] = _value(path, inner)
        elif path in ("name", ENTERPRISE.lower()):
            if not isinstance(inner, dict):
                raise ScimRefused(400, "invalidValue", path)
            found |= _flat(inner, "name." if path == "name" else f"{path}:")
    return found


def _path(text: str) -> str:
    return text.lower().removeprefix(f"{USER.lower()}:")


def _value(path: str, value: Any) -> Any:
    """Returns a value that fits its attribute; ``None`` where it is unset."""
    if value is None:
        return None
    if path == "active":
        if not isinstance(value, bool):
            raise ScimRefused(400, "invalidValue", path)
        return value
    if not isinstance(value, str) or len(value) > _MOST_CHARACTERS or not value.isprintable():
        raise ScimRefused(400, "invalidValue", path)
    return value


def _patched(operation: object, entry: Entry) -> Entry:
    if not isinstance(operation, dict):
        raise ScimRefused(400, "invalidSyntax", "Operations")
    parts = _lower(operation)
    act, path = str(parts.get("op", "")).lower(), parts.get("path")
    if act not in ("add", "replace", "remove") or not isinstance(path, str | None):
        raise ScimRefused(400, "invalidSyntax", "op")
    if path is None:
        if act == "remove":
            raise ScimRefused(400, "noTarget", "path")
        if not isinstance(parts.get("value"), dict):
            raise ScimRefused(400, "invalidValue", "value")
        return entry._replace(**_unset(_flat(parts["value"], "")))
    path = _path(path)
    if act == "remove":
        fields = [
            field for known, field in _PATHS.items() if known == path or known.startswith((f"{path}.", f"{path}:"))
        ]
        if not fields:
            raise ScimRefused(400, "invalidPath", path[:_MOST_CHARACTERS])
        return entry._replace(**_unset(dict.fromkeys(fields)))
    changed = _flat({path: parts.get("value")}, "")
    if not changed and path not in ("name", ENTERPRISE.lower()):
        raise ScimRefused(400, "invalidPath", path[:_MOST_CHARACTERS])
    return entry._replace(**_unset(changed))


def _unset(values: dict[str, Any]) -> dict[str, Any]:
    """Returns values with what stands where nothing does; ``active`` and ``userName`` are never nothing."""
    for field in ("is_active", "user_name"):
        if field in values and values[field] is None:
            raise ScimRefused(400, "invalidValue", field)
    return {field: ("" if value is None and field != "external_id" else value) for field, value in values.items()}


def _checked(entry: Entry, before: Entry | None) -> Entry:
    if before is not None and (entry.user_name, entry.external_id) != (before.user_name, before.external_id):
        raise ScimRefused(400, "mutability", "userName, externalId")
    for name, known in (("userName", entry.user_name), ("externalId", entry.external_id)):
        if known is not None and (not known or known != known.strip()):
            raise ScimRefused(400, "invalidValue", name)
    return entry
