"""How values look on a page: language, zone, numbers, links that keep the language. Pure."""

from datetime import UTC, datetime
from enum import IntEnum
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from exchange_db.cases import CaseState
from exchange_db.records import Violated
from exchange_db.regions import Tier, format_region, tier_of
from hub.console import words
from hub.console.terms import FIELDS
from hub.statistics.registry import shipped_registry
from hub.statistics.value_names import SOURCES, STATES

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
        """Returns a text of the catalogue, the name of a counter, or the key itself when it is neither."""
        if key in words.WORDS:
            return self.word(key)
        return self.counter(key) if key in shipped_registry().counters else key

    def refusal(self, refused: Violated) -> str:
        """Returns why something was refused, with the name of the field it is about."""
        violation = refused.violation
        text = violation.message if self._index else violation.message_zh
        return f"{self.field(violation.field_path)} · {text}" if violation.field_path else text

    def size(self, byte_count: float) -> str:
        """Returns a number of bytes in the largest fitting unit of 1,000."""
        for unit in ("B", "kB", "MB", "GB"):
            if abs(byte_count) < 1_000 or unit == "GB":
                return f"{byte_count:,.0f} {unit}" if unit == "B" else f"{byte_count:,.1f} {unit}"
            byte_count /= 1_000
        raise AssertionError

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

    def length(self, seconds: float) -> str:
        """Returns a length of time to the second: 1 h 02 min 05 s."""
        whole = round(seconds)
        parts = [(whole // 3_600, _UNITS[1]), (whole // 60 % 60, _UNITS[2]), (whole % 60, _UNITS[3])]
        told = [f"{count} {unit[1 + self._index]}" for count, unit in parts if count]
        return " ".join(told) or f"0 {_UNITS[3][1 + self._index]}"

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
        return STATES[state][self._index]

    def state_named(self, name: str) -> str:
        """Returns the name of a state as the contract writes it; what is not known stays as it came."""
        state = CaseState.__members__.get(name.upper())
        return name or "—" if state is None else self.state(state)

    def tier(self, name: str) -> str:
        """Returns the name of a tier."""
        return words.TIERS[Tier(name)][self._index] if name in set(Tier) else name

    def counter(self, name: str) -> str:
        """Returns the name of a counter."""
        if name in words.COUNTERS:
            return words.COUNTERS[name][self._index]
        counter = shipped_registry().counters[name]
        return (counter.name_zh, counter.name_en)[self._index]

    def class_code(self, class_key: str) -> str:
        """Returns kind and code of a class key, without the standard it belongs to."""
        _, _, rest = class_key.partition("|")
        letter, mark, code = rest.partition("|")
        return f"{words.CLASS_KINDS[letter][self._index]} {code}" if mark and letter in words.CLASS_KINDS else class_key

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
