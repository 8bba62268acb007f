"""Notices on the wire: a real mail server and a web server, the documented forms, registered addresses only."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email.header import decode_header, make_header
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import pytest

from exchange_db.alert_notices import Notice
from exchange_db.alert_records import Severity
from hub.alerts.channels import Mail, NotTaken, Robot, shortened
from hub.demo.staging import free_port
from hub.sections.alerts import AlertsPart, Channel
from tests.support.receivers import Group, MailBox, group, mail_box, text_of

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
MICROSECONDS = 1_790_000_000_123_456
SECRET = "SEC-a secret"
NOTICE = Notice(
    region=431200, event_id=UUID(int=5), channel="x", address="li@example.gov.cn",
    title="【严重】链路中断：431221.platform",
    body="与 431221.platform 的链路中断\n开始：2026-11-22", severity=Severity.CRITICAL, made_time=NOW, due_time=NOW,
)  # fmt: skip


@pytest.fixture(scope="module")
def box() -> Iterator[MailBox]:
    with mail_box() as found:
        yield found


def _robot(kind: str, there: Group, secret: str | None = SECRET, addresses: tuple[str, ...] | None = None) -> Robot:
    values = {"kind": kind, "url": there.url, "secret": secret, "addresses": addresses or (there.address,)}
    return Robot(Channel.model_validate(values), "431200.hub", lambda: MICROSECONDS)


async def _sent(kind: str, secret: str | None = SECRET) -> Group:
    async with group() as there:
        robot = _robot(kind, there, secret)
        await robot.send(NOTICE)
        await robot.close()
        assert len(there.posts) == 1
        return there


def _hmac(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


async def test_a_mail_says_what_is_wrong_and_keeps_its_id(box: MailBox) -> None:
    mail = Mail(box.part, "431200.hub")
    await mail.send(NOTICE)
    (message,) = box.messages
    assert str(make_header(decode_header(message["Subject"]))) == NOTICE.title
    assert text_of(message).replace("\r\n", "\n").strip() == NOTICE.body
    assert (message["To"], message["From"]) == ("li@example.gov.cn", "hub@example.gov.cn")
    assert message["Message-ID"] == "<00000000-0000-0000-0000-000000000005@431200.hub>"
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("answer", ["451 try later", "550 no such box"])
async def test_a_mail_that_is_refused_was_not_taken(box: MailBox, answer: str) -> None:
    before = len(box.messages)
    box.answers = [answer]
    with pytest.raises(NotTaken, match=answer[:3]):
        await Mail(box.part, "431200.hub").send(NOTICE)
    assert len(box.messages) == before


async def test_a_mail_goes_to_registered_addresses_only(box: MailBox) -> None:
    part = box.part.model_copy(update={"addresses": (f"127.0.0.2:{box.port}",)})
    with pytest.raises(NotTaken, match="not registered"):
        await Mail(part, "431200.hub").send(NOTICE)
    closed = free_port()
    nowhere = box.part.model_copy(update={"port": closed, "addresses": (f"127.0.0.1:{closed}",)})
    with pytest.raises(NotTaken):
        await Mail(nowhere, "431200.hub").send(NOTICE)


async def test_a_mail_server_without_encryption_is_not_trusted(box: MailBox) -> None:
    with pytest.raises(NotTaken):
        await Mail(box.part.model_copy(update={"security": "starttls"}), "431200.hub").send(NOTICE)


async def test_a_webhook_is_signed_over_id_time_and_body() -> None:
    (request, body), *_ = (await _sent("webhook")).posts
    signed = f"{NOTICE.event_id}.{MICROSECONDS // 1_000_000}.".encode() + body
    assert request.headers["webhook-id"] == str(NOTICE.event_id)
    assert request.headers["webhook-timestamp"] == "1790000000"
    assert request.headers["webhook-signature"] == f"v1,{_hmac(SECRET.encode(), signed)}"
    event = json.loads(body)
    assert (event["type"], event["data"]["title"], event["data"]["severity"]) == ("alert", NOTICE.title, "critical")


async def test_wecom_gets_a_text() -> None:
    there = await _sent("wecom", None)
    assert there.bodies == [{"msgtype": "text", "text": {"content": f"{NOTICE.title}\n{NOTICE.body}"}}]


async def test_dingtalk_gets_a_text_and_its_signature_in_the_address() -> None:
    there = await _sent("dingtalk")
    assert there.bodies[0]["msgtype"] == "text"
    query = parse_qs(urlsplit(str(there.posts[0][0].rel_url)).query, keep_blank_values=True)
    assert query["access_token"] == ["abc"]
    assert query["timestamp"] == ["1790000000123"]
    assert unquote(query["sign"][0]) == _hmac(SECRET.encode(), f"1790000000123\n{SECRET}".encode())


async def test_feishu_gets_a_text_and_its_signature_in_the_message() -> None:
    (body,) = (await _sent("feishu")).bodies
    assert (body["msg_type"], body["timestamp"]) == ("text", "1790000000")
    assert body["sign"] == _hmac(f"1790000000\n{SECRET}".encode(), b"")


@pytest.mark.parametrize("kind", ["wecom", "dingtalk", "feishu"])
async def test_a_robot_that_says_no_has_not_taken_it(kind: str) -> None:
    async with group() as there:
        there.answers = [{"errcode": 310000, "code": 19021, "errmsg": "sign not match", "msg": "sign match fail"}]
        robot = _robot(kind, there)
        with pytest.raises(NotTaken, match=r"310000|19021"):
            await robot.send(NOTICE)
        await robot.close()


async def test_a_robot_is_dialled_at_registered_addresses_only() -> None:
    async with group() as there:
        robot = _robot("wecom", there, addresses=("10.0.0.0/8:443",))
        with pytest.raises(NotTaken):
            await robot.send(NOTICE)
        await robot.close()
        assert there.posts == []


def test_a_text_is_cut_between_letters() -> None:
    cut = shortened("告警" * 1_000)
    assert cut.endswith(("警…", "告…"))
    assert len(cut.encode()) <= 2_048


def test_settings_refuse_what_cannot_be_sent_to() -> None:
    for wrong in (
        {"kind": "wecom", "url": "http://example.cn/x", "addresses": []},
        {"kind": "webhook", "url": "https://example.cn/x", "addresses": []},
        {"kind": "wecom", "url": "https://example.cn/x", "addresses": ["example.cn:443"]},
    ):
        with pytest.raises(ValueError, match=r"https|secret|address"):
            AlertsPart.model_validate({"channels": {"a": wrong}})
    with pytest.raises(ValueError, match="name of a channel"):
        AlertsPart.model_validate({"channels": {"mail": {"kind": "wecom", "url": "https://a.cn/", "addresses": []}}})
