"""Administrators of the host: password and code, each code once, and a lock that no restart opens."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from argon2 import PasswordHasher

from auth.assertion import SignOnRefused
from auth.local_administrators import MOST_FAILURES, LocalAdministrators, Made, PasswordDoor
from auth.signing_keys import KeyWrap
from exchange_db import local_administrators as store
from exchange_db.session import Ledger

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PASSWORD = "correct horse battery"
STEP = timedelta(seconds=30)


def _administrators(folder: Path) -> LocalAdministrators:
    door = PasswordDoor(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    return LocalAdministrators("431200.hub", 431200, KeyWrap.of_file(folder / "key"), door)


async def _made(ledger: Ledger, administrators: LocalAdministrators, name: str = "root") -> Made:
    async with ledger.write() as session:
        return await administrators.make(session, name, PASSWORD, NOW)


def _code(made: Made, now: datetime = NOW) -> str:
    return pyotp.TOTP(made.secret).at(now)


async def _reason(
    ledger: Ledger, administrators: LocalAdministrators, name: str, password: str, code: str, now: datetime = NOW
) -> str:
    try:
        await administrators.sign_on(ledger, name, password, code, now)
    except SignOnRefused as refused:
        return refused.reason
    return ""


async def test_name_password_and_code_sign_on_and_nothing_less(ledger: Ledger, tmp_path: Path) -> None:
    administrators = _administrators(tmp_path)
    made = await _made(ledger, administrators)
    for name, password, code in [
        ("root", PASSWORD, ""),
        ("root", PASSWORD, "000000"),
        ("root", "", _code(made)),
        ("root", PASSWORD + "x", _code(made)),
        ("nobody", PASSWORD, _code(made)),
        ("ROOT", PASSWORD, _code(made)),
        ("", "", ""),
        ("\ud800", PASSWORD, "票"),
    ]:
        assert await _reason(ledger, administrators, name, password, code) == "sign_on_wrong"
        async with ledger.write() as session:
            await session.driver.execute("DELETE FROM local_attempts")
    found = await administrators.sign_on(ledger, "root", PASSWORD, _code(made), NOW)
    assert (found.upstream_id, found.subject, found.region) == ("local", "root", 431200)


async def test_a_code_is_good_once_and_only_around_its_time(ledger: Ledger, tmp_path: Path) -> None:
    administrators = _administrators(tmp_path)
    made = await _made(ledger, administrators)
    assert await _reason(ledger, administrators, "root", PASSWORD, _code(made, NOW - 2 * STEP)) == "sign_on_wrong"
    assert await _reason(ledger, administrators, "root", PASSWORD, _code(made, NOW - STEP)) == ""
    assert await _reason(ledger, administrators, "root", PASSWORD, _code(made)) == ""
    assert await _reason(ledger, administrators, "root", PASSWORD, _code(made)) == "sign_on_wrong"
    assert await _reason(ledger, administrators, "root", PASSWORD, _code(made, NOW - STEP)) == "sign_on_wrong"
    assert await _reason(ledger, administrators, "root", PASSWORD, _code(made, NOW + STEP)) == ""


async def test_of_tries_at_once_one_uses_the_code(ledger: Ledger, tmp_path: Path) -> None:
    administrators = _administrators(tmp_path)
    code = _code(await _made(ledger, administrators))
    tries = [_reason(ledger, administrators, "root", PASSWORD, code) for _ in range(4)]
    assert min(await asyncio.gather(*tries)) == ""
    assert await _reason(ledger, administrators, "root", PASSWORD, code) != ""


async def test_a_recovery_code_is_good_once(ledger: Ledger, tmp_path: Path) -> None:
    administrators = _administrators(tmp_path)
    first, second, *_ = (await _made(ledger, administrators)).recovery_codes
    assert await _reason(ledger, administrators, "root", PASSWORD, first.upper()) == ""
    assert await _reason(ledger, administrators, "root", PASSWORD, first) == "sign_on_wrong"
    assert await _reason(ledger, administrators, "root", PASSWORD, second) == ""


@pytest.mark.parametrize("name", ["root", "nobody"])
async def test_failures_lock_a_name_known_or_not_over_a_restart(ledger: Ledger, tmp_path: Path, name: str) -> None:
    administrators = _administrators(tmp_path)
    made = await _made(ledger, administrators)
    for _ in range(MOST_FAILURES):
        assert await _reason(ledger, administrators, name, "wrong", "000000") == "sign_on_wrong"
    again = _administrators(tmp_path)
    assert await _reason(ledger, again, name, PASSWORD, _code(made)) == "sign_on_locked"
    later = NOW + timedelta(minutes=15)
    expected = "" if name == "root" else "sign_on_wrong"
    assert await _reason(ledger, again, name, PASSWORD, _code(made, later), later) == expected
    assert await _reason(ledger, again, "other", PASSWORD, "1") == "sign_on_wrong", "other names are not locked"


async def test_many_tries_at_once_get_no_more_than_the_same_one_by_one(ledger: Ledger, tmp_path: Path) -> None:
    administrators = _administrators(tmp_path)
    await _made(ledger, administrators)
    tries = [_reason(ledger, administrators, "root", f"wrong {number}", "1") for number in range(15)]
    reasons = await asyncio.gather(*tries)
    assert reasons.count("sign_on_wrong") == MOST_FAILURES
    assert reasons.count("sign_on_locked") == 15 - MOST_FAILURES


async def test_a_blocked_one_stays_out_and_a_reset_one_starts_anew(ledger: Ledger, tmp_path: Path) -> None:
    administrators = _administrators(tmp_path)
    made = await _made(ledger, administrators)
    async with ledger.write() as session:
        assert await store.change(session, "root", state="blocked")
    assert await _reason(ledger, administrators, "root", PASSWORD, _code(made)) == "sign_on_wrong"
    async with ledger.write() as session:
        fresh = await administrators.reset(session, "root", "another long password")
        assert await administrators.reset(session, "nobody", "another long password") is None
    assert fresh is not None
    assert await _reason(ledger, administrators, "root", PASSWORD, _code(fresh)) == "sign_on_wrong"
    assert await _reason(ledger, administrators, "root", "another long password", _code(made)) == "sign_on_wrong"
    assert await _reason(ledger, administrators, "root", "another long password", _code(fresh)) == ""


async def test_with_another_wrapping_key_nobody_signs_on(ledger: Ledger, tmp_path: Path) -> None:
    made = await _made(ledger, _administrators(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    copied = _administrators(tmp_path / "elsewhere")
    assert await _reason(ledger, copied, "root", PASSWORD, _code(made)) == "no_wrapping_key"
    assert await _reason(ledger, _administrators(tmp_path), "root", PASSWORD, _code(made)) == ""


async def test_what_is_kept_holds_no_secret(ledger: Ledger, tmp_path: Path) -> None:
    made = await _made(ledger, _administrators(tmp_path))
    async with ledger.read() as session:
        cursor = await session.driver.execute("SELECT a::text FROM local_administrators a")
        [(row,)] = await cursor.fetchall()
    for secret in (PASSWORD, made.secret, made.secret.encode().hex(), *made.recovery_codes):
        assert secret not in row
    assert "$argon2id$" in row


_WEAK = [
    ("Root", PASSWORD),
    ("r", PASSWORD),
    ("root", "short"),
    ("root", "x" * 257),
    ("root", "root" * 4),
    ("root", "a" * 20),
]


async def test_weak_names_and_passwords_are_refused(ledger: Ledger, tmp_path: Path) -> None:
    administrators = _administrators(tmp_path)
    for name, password in _WEAK:
        async with ledger.write() as session:
            with pytest.raises(ValueError, match=r"name|password"):
                await administrators.make(session, name, password, NOW)
    await _made(ledger, administrators)
    async with ledger.write() as session:
        with pytest.raises(ValueError, match="exists"):
            await administrators.make(session, "root", PASSWORD, NOW)
