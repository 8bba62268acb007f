"""The scoring schemes that come with the software, read through the same checks as everybody else's."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from hub.evaluation.scheme_file import read_scheme
from hub.evaluation.schemes import Scheme
from hub.statistics.registry import shipped_registry

#: Folder of the shipped schemes.
DATA: Final = Path(__file__).with_name("data")


@lru_cache(maxsize=1)
def shipped_schemes() -> Mapping[str, Scheme]:
    """Returns them by id."""
    found = (read_scheme(path.name, path.read_bytes(), shipped_registry()) for path in sorted(DATA.glob("*.toml")))
    return {scheme.scheme_id: scheme for scheme in found}
