"""A platform's spool opened for ``sanji files``: for platforms whose program does not run just now, or has none."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from auth.batch_keys import SigningKeyUnusable, read_signing_key
from auth.envelope import MAX_VALIDITY_SECONDS, Sealer
from connectors.county.exchange_book import ExchangeBook
from connectors.county.files import CountyFiles
from connectors.county.profile import Profile, ProfileInvalid, read_profile
from connectors.county.spool import Spool, SpoolInvalid
from exchange_db.records import Violated
from hub.cli.terminal import fail
from hub.clock import system_clock
from hub.federation.file_signing import platform_file_keys
from hub.federation.sealing import platform_judging

#: Name of the spool beside a profile where none is given.
SPOOL_NAME = "spool"


class PlatformSide(NamedTuple):
    """What ``sanji files`` works with in a platform's name."""

    profile: Profile
    spool: Spool
    book: ExchangeBook
    files: CountyFiles


@contextmanager
def platform_side(place: Path, spool: Path | None) -> Iterator[PlatformSide]:
    """Yields a platform's spool and its files; ends the command where profile or spool cannot be used."""
    try:
        profile = read_profile(place)
        folder = place if place.is_dir() else place.parent
        keys, judging = platform_file_keys(profile), platform_judging(profile)
        signing = [read_signing_key(path) for path in profile.signing_keys]
        sealing = Sealer(profile.platform_id, signing, system_clock, MAX_VALIDITY_SECONDS) if signing else None
        path = spool or folder / SPOOL_NAME
        with (
            closing(Spool(path, keeps_all=True)) as opened,
            closing(ExchangeBook(path.with_name(f"{path.name}.book"))) as book,
        ):
            files = CountyFiles(profile, opened, book, keys, sealing=sealing, judging=judging)
            yield PlatformSide(profile, opened, book, files)
    except (ProfileInvalid, SpoolInvalid, SigningKeyUnusable) as error:
        fail(str(error), 1)
    except Violated as violated:
        fail(f"{violated.violation.message_zh} / {violated.violation.message}", 1)
