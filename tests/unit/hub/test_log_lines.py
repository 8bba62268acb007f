"""Whatever is written to the log stays one line, moves no cursor, turns no text around, and tells no password."""

import io
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.log_lines import LineFormatter, safe

_SECRET = "S3cret-Mark-7Zq"


def _written(message: str, *values: object, is_error: bool = False) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger(f"test.{id(stream)}")
    logger.propagate = False
    logger.addHandler(handler)
    if is_error:
        try:
            int(str(values[0]))
        except ValueError:
            logger.exception(message)
    else:
        logger.warning(message, *values)
    return stream.getvalue()


@given(text=st.text(max_size=60))
def test_an_event_is_one_line_whatever_is_in_it(text: str) -> None:
    line = _written("refused %s", text)
    assert len(line.splitlines()) == 1
    assert line.endswith("\n")


@pytest.mark.parametrize(
    "trick",
    ["a\r\n2026-01-01 INFO root: signed on", "\x1b[2Jgone", "\u202egnp.exe", "\u2066x\u2069", "a\u2028b", "\x00"],
)
def test_a_trick_is_shown_by_its_numbers(trick: str) -> None:
    line = _written("name %s", trick)
    assert len(line.splitlines()) == 1
    assert not set(line[:-1]) & set("\r\n\x1b\x00\u202e\u2066\u2069\u2028")
    assert "\\u" in line
    assert safe("怀化市 431200\tok") == "怀化市 431200\tok"


def test_a_traceback_has_no_line_that_passes_for_an_event() -> None:
    text = _written("failed", "first\n2026-01-01 INFO root: all is well", is_error=True)
    first, *rest = text.splitlines()
    assert first.endswith("failed")
    assert rest
    assert all(line.startswith("  | ") for line in rest)


@pytest.mark.parametrize(
    "text",
    [
        f"cannot reach postgresql://sanji:{_SECRET}@db/sanji",
        f"connection failed: password={_SECRET} host=db",
        f"headers {{'Authorization': '{_SECRET}'}}",
        f"client_secret={_SECRET}&grant_type=x",
        f'{{"token": "{_SECRET}"}}',
    ],
)
def test_no_password_stands_in_the_log(text: str) -> None:
    assert _SECRET not in _written("%s", text)
    assert _SECRET not in _written("failed", text, is_error=True)
    assert "***" in _written("%s", text)
