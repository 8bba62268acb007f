"""All metric definitions: what is shipped, with releases laid over it, by id, concept and profile.

Called by ``hub.statistics``, ``hub.evaluation`` and the command line.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from hub.statistics.definition_file import DefinitionInvalid, Profile, read_counters, read_metrics
from hub.statistics.definitions import Counter, MetricDefinition

#: Folder of the shipped definitions.
DATA: Final = Path(__file__).with_name("data")
#: The profile every other one falls back to.
NATIONAL: Final = "national"
_COUNTERS: Final = "counters.toml"


class MetricUnknown(Exception):
    """There is no such metric or profile."""

    def __init__(self, chinese: str, english: str) -> None:
        super().__init__(f"{chinese} / {english}")


class MetricRegistry:
    """Definitions to look up.

    Args:
        counters: by name.
        profiles: by id.
        metrics: by id; the latest version of each.
    """

    def __init__(
        self,
        counters: Mapping[str, Counter],
        profiles: Mapping[str, Profile],
        metrics: Mapping[str, MetricDefinition],
    ) -> None:
        self.counters = counters
        self.profiles = profiles
        self.metrics = metrics

    def metric(self, metric_id: str) -> MetricDefinition:
        """Returns a definition by its id.

        Raises:
            MetricUnknown: there is none.
        """
        try:
            return self.metrics[metric_id]
        except KeyError:
            raise MetricUnknown(f"没有指标 {metric_id}。", f"there is no metric {metric_id}.") from None

    def of_profile(self, profile_id: str) -> tuple[MetricDefinition, ...]:
        """Returns the definitions a profile uses: its own, and its base's of concepts it does not define itself.

        Raises:
            MetricUnknown: there is no such profile.
        """
        found: list[MetricDefinition] = []
        concepts: set[str] = set()
        for name in self._line_of(profile_id):
            own = [one for one in self.metrics.values() if one.profile == name and one.concept not in concepts]
            found += own
            concepts |= {one.concept for one in own}
        return tuple(found)

    def of_concept(self, profile_id: str, concept: str) -> MetricDefinition:
        """Returns the definition a profile has of an indicator.

        Raises:
            MetricUnknown: neither it nor its base has one.
        """
        for one in self.of_profile(profile_id):
            if one.concept == concept:
                return one
        raise MetricUnknown(
            f"口径 {profile_id} 中没有指标 {concept}。", f"profile {profile_id} has no metric {concept}."
        )

    def named(self, profile_id: str, name: str) -> MetricDefinition | None:
        """Returns the definition a table means by a name; ``None`` when nothing is called that."""
        of_profile = self.of_profile(profile_id)
        for one in of_profile:
            if name in (one.name_zh, one.metric_id):
                return one
        return next((one for one in of_profile if name in one.other_names), None)

    def definitions_of(self, concept: str) -> tuple[MetricDefinition, ...]:
        """Returns every profile's definition of an indicator."""
        return tuple(one for one in self.metrics.values() if one.concept == concept)

    def counter_named(self, name: str) -> Counter | None:
        """Returns the counter a table means by a name."""
        for one in self.counters.values():
            if name in (one.name_zh, one.name):
                return one
        return next((one for one in self.counters.values() if name in one.other_names), None)

    def laid_over(self, documents: Mapping[str, bytes]) -> "MetricRegistry":
        """Returns the registry with the definitions of a release laid over it.

        A metric with the id of a known one takes its place and must have another version; a profile likewise.

        Args:
            documents: bytes by name; one named ``counters.toml`` adds counters.

        Raises:
            DefinitionInvalid: something in them is wrong, or an id is used again for another meaning.
        """
        counters, profiles, metrics = dict(self.counters), dict(self.profiles), dict(self.metrics)
        if _COUNTERS in documents:
            _add_counters(_COUNTERS, counters, read_counters(_COUNTERS, documents[_COUNTERS]))
        for name, content in sorted(documents.items()):
            if name == _COUNTERS:
                continue
            file = read_metrics(name, content, counters)
            _add_counters(name, counters, file.counters)
            profiles[file.profile.profile_id] = file.profile
            for one in file.metrics:
                _require_new_version(name, self.metrics.get(one.metric_id), one)
                metrics[one.metric_id] = one
        registry = MetricRegistry(counters, profiles, metrics)
        for profile_id in profiles:
            registry._check_line(profile_id)
        return registry

    def _check_line(self, profile_id: str) -> None:
        try:
            self._line_of(profile_id)
        except MetricUnknown as error:
            raise DefinitionInvalid(
                f"profile {profile_id}.base",
                "base 应为已有口径，且不可循环",
                f"name a known profile, no circle ({error})",
            ) from None

    def _line_of(self, profile_id: str) -> list[str]:
        line: list[str] = []
        name = profile_id
        while name:
            if name not in self.profiles or name in line:
                known = "、".join(self.profiles)
                raise MetricUnknown(f"没有口径 {name}，可用 {known}。", f"there is no profile {name}; use {known}.")
            line.append(name)
            name = self.profiles[name].base
        return line


def _add_counters(name: str, counters: dict[str, Counter], added: tuple[Counter, ...]) -> None:
    for counter in added:
        if counters.setdefault(counter.name, counter) != counter:
            raise DefinitionInvalid(
                f"{name} {counter.name}",
                "计数项已有定义，不可改变其含义，请另取名称",
                "this counter is defined already and cannot change its meaning; take another name",
            )


def _require_new_version(name: str, known: MetricDefinition | None, one: MetricDefinition) -> None:
    """An id and version never get another meaning: figures that carry both could be compared wrongly."""
    if known is None or known == one or one.version > known.version:
        return
    raise DefinitionInvalid(
        f"{name} {one.metric_id}.version",
        f"指标已有第 {known.version} 版，内容不同时请用更高的版本",
        f"version {known.version} is known; what differs needs a higher one",
    )


@lru_cache(maxsize=1)
def shipped_registry() -> MetricRegistry:
    """Returns the definitions that come with the software."""
    documents = {path.name: path.read_bytes() for path in sorted(DATA.glob("*.toml"))}
    return MetricRegistry({}, {}, {}).laid_over(documents)


def counter_name(name: str) -> str:
    """Returns what a counter is called in Chinese; its own name if it is defined nowhere."""
    known = shipped_registry().counters.get(name)
    return known.name_zh if known else name
