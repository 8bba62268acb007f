"""Lines of the log as JSON: one object a line, and what it is about."""

import io
import json
import logging
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.log_context import about, begin_request, concern, concerning
from hub.log_lines import JsonFormatter


def _written(message: str, *values: object, is_error: bool = False) -> dict[str, Any]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger(f"test.{id(stream)}")
    logger.propagate = False
    logger.addHandler(handler)
    if is_error:
        try:
            int("x\n2026-01-01 INFO root: all is well")
        except ValueError:
            logger.exception(message, *values)
    else:
        logger.warning(message, *values)
    (line,) = stream.getvalue().splitlines()
    event: dict[str, Any] = json.loads(line)
    return event


@given(text=st.text(max_size=60))
def test_an_event_is_one_object_on_one_line_whatever_is_in_it(text: str) -> None:
    event = _written("refused %s", text)
    assert event["message"].startswith("refused ")
    assert event["level"] == "WARNING"


def test_passwords_are_not_told_and_trouble_is() -> None:
    event = _written("cannot reach postgresql://u:S3cret@host/db", is_error=True)
    assert "S3cret" not in event["message"]
    assert "ValueError" in event["trouble"]


def test_a_line_tells_what_it_is_about_and_nothing_after_it() -> None:
    with concerning(link="430000.hub", case="431221.platform/1"):
        event = _written("x")
        assert (event["link"], event["case"]) == ("430000.hub", "431221.platform/1")
        with concerning(link=""):
            assert "link" not in _written("x")
    assert about() == {}


def test_a_request_begins_anew() -> None:
    concern(link="430000.hub")
    number = begin_request()
    assert about() == {"request": number}
    assert begin_request() != number
    concern(request="")
