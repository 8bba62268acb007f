"""How values look on a page: language, zone, numbers, links that keep the language. Pure."""

from datetime import UTC, datetime
from enum import IntEnum
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from exchange_db.regions import format_region, tier_of
from hub.console import words
from hub.console.terms import FIELDS, SOURCES

LANGUAGES = ("zh", "en")
#: Seconds in a unit, and its names.
_UNITS = ((86_400, "天", "d"), (3_600, "小时", "h"), (60, "分钟", "min"), (1, "秒", "s"))


class Presentation:
    """Turns values into texts for one page.

    Args:
        language: ``zh`` or ``en``.
        zone: zone in which times are shown.
    """

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language = language
        self._index = LANGUAGES.index(language)
        self._zone = zone

    def word(self, key: str, *values: object) -> str:
        """Returns a text of the catalogue."""
        return words.WORDS[key][self._index].format(*values)

    def known(self, key: str) -> str:
        """Returns a text of the catalogue, or the key itself when there is none."""
        return self.word(key) if key in words.WORDS else key

    def url(self, path: str, **query: object) -> str:
        """Returns a link to a page in the same language; empty values are left out."""
        chosen = {name: value for name, value in query.items() if value not in ("", None)}
        if self.language != LANGUAGES[0]:
            chosen["lang"] = self.language
        return f"{path}?{urlencode(chosen)}" if chosen else path

    def other_language(self) -> str:
        """Returns the name of the other language."""
        return LANGUAGES[1 - self._index]

    def time(self, moment: datetime | int | None) -> str:
        """Returns a time in the hub's zone; of an integer the microseconds since 1970 are meant, 0 is none."""
        if not moment:
            return "—"
        if isinstance(moment, int):
            moment = datetime.fromtimestamp(moment / 1_000_000, UTC)
        return moment.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")

    def span(self, since: datetime | None, now: datetime) -> str:
        """Returns how much time has passed, in the largest fitting unit."""
        if since is None:
            return "—"
        seconds = max(0, int((now - since).total_seconds()))
        size, *units = next(unit for unit in _UNITS if seconds >= unit[0] or unit[0] == 1)
        return f"{seconds // size} {units[self._index]}"

    def age(self, moment: datetime | None, now: datetime) -> str:
        """Returns how long ago something was."""
        return "—" if moment is None else self.word("ago", self.span(moment, now))

    @staticmethod
    def number(value: int) -> str:
        """Returns a count with separators."""
        return f"{value:,}"

    def region(self, region: int) -> str:
        """Returns a region's code with the name of its tier."""
        return f"{format_region(region)} {words.TIERS[tier_of(region)][self._index]}"

    def state(self, state: int) -> str:
        """Returns the name of a case's state."""
        return words.STATES[state][self._index]

    def counter(self, name: str) -> str:
        """Returns the name of a counter."""
        return words.COUNTERS[name][self._index]

    def source(self, code: str) -> str:
        """Returns the name of a problem source, or its code."""
        return SOURCES[code][self._index] if code in SOURCES else code

    def field(self, name: str) -> str:
        """Returns the name of a field."""
        english = name.removesuffix("_time").replace("_", " ")
        return english if self._index else FIELDS.get(name, english)

    def value(self, name: str, value: object) -> str:
        """Returns the value of a record's field; of a record inside it, what it says field by field."""
        if isinstance(value, tuple):
            return "；".join(self.value(name, inner) for inner in value)
        if isinstance(value, msgspec.Struct):
            told = msgspec.structs.asdict(value).items()
            return "，".join(f"{self.field(inner)} {self._text(inner, said)}" for inner, said in told if said)
        return self._text(name, value)

    def _text(self, name: str, value: object) -> str:
        if name.endswith("_time") and isinstance(value, int):
            return self.time(value)
        if isinstance(value, bool):
            return self.word("yes" if value else "no")
        if isinstance(value, IntEnum):
            return words.MEMBERS[type(value)][value][self._index]
        if name == "source_code":
            return self.source(str(value))
        if name in words.CODED_FIELDS and value in words.CODED_FIELDS[name]:
            return words.CODED_FIELDS[name][value][self._index]
        return str(value)
