"""Alerts on a real ledger, told by a real mail server and a robot: once down, once up, through silences and crashes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from exchange_db import alert_notices, alerts, links
from exchange_db.alert_notices import NoticeState
from exchange_db.alert_records import Contact, ContactRole
from exchange_db.records import Violated
from exchange_db.regions import subtree
from exchange_db.session import Ledger, ReadSession
from hub.alerts.channels import ways_of
from hub.alerts.desk import AlertDesk
from hub.alerts.observers import Observation, Observer, Observers
from hub.alerts.sending import NoticeSender
from hub.alerts.watch import AlertWatch
from hub.sections.alerts import AlertsPart, MailPart
from hub.sections.evidence import EvidencePart
from hub.settings import HubPart, Settings, TlsPart
from tests.support.builders import CITY, COUNTY, OTHER_COUNTY
from tests.support.clock import FakeClock
from tests.support.neighbours import enrolled
from tests.support.receivers import Group, MailBox, group, mail_box, text_of

HERE = subtree(431200)
#: Where every rule but the one under test is quiet.
LINKS = ("link_down",)


@pytest.fixture(scope="module")
def box() -> Iterator[MailBox]:
    with mail_box() as found:
        yield found


@pytest.fixture
async def there() -> AsyncIterator[Group]:
    async with group() as found:
        yield found


class Office:
    """A hub's alerts with what it sees in the hands of the test."""

    def __init__(self, ledger: Ledger, clock: FakeClock, mail: MailPart, folder: Path, there: Group | None) -> None:
        robot = {"kind": "wecom", "url": there.url, "addresses": [there.address], "level": 2} if there else None
        part = AlertsPart.model_validate(
            {"retry_seconds": 30, "tries": 3, "channels": {"值班群": robot} if robot else {}}
        )
        self.settings = Settings(
            hub=HubPart(id=CITY, name="怀化市枢纽"), alerts=part, mail=mail,
            tls=TlsPart(certificate=folder / "none.pem"), evidence=EvidencePart(folder=folder / "none"),
        )  # fmt: skip
        self.ledger, self.clock = ledger, clock
        self.seen: dict[str, float] = {}
        self.is_blind = False
        self.desk = AlertDesk(ledger, self.settings, clock)
        self.ways = ways_of(part, mail, CITY, clock)
        self.sender = NoticeSender(ledger, 431200, part, self.ways, clock)
        self.watch = AlertWatch(ledger, self.settings, clock, (Observer(LINKS, self._look),))

    async def _look(self, _: ReadSession, __: datetime) -> list[Observation]:
        if self.is_blind:
            raise OSError("cannot be looked at")
        return [Observation(LINKS[0], name, int(name[:6]), value, "拒绝连接") for name, value in self.seen.items()]

    async def turn(self, minutes: float = 0) -> tuple[int, int, int]:
        """Lets time pass, looks, and sends."""
        self.clock.advance(minutes=minutes)
        looked = await self.watch.run()
        await self.sender.run()
        return looked

    async def open(self) -> list[str]:
        """Subjects of what is open."""
        return [one.subject for one in await self.desk.open(HERE, 100)]

    async def contact(self, name: str, level: int = 1, region: int = 431200) -> None:
        """Enters somebody to be told."""
        contact = Contact(
            region=region, contact_id=uuid4(), name=name, unit="指挥中心", role=ContactRole.OFFICER, level=level,
            mail=f"{name}@example.gov.cn",
        )  # fmt: skip
        await self.desk.keep_contact(contact, HERE, "li")

    async def states(self) -> list[tuple[str, str]]:
        """Address and state of every notice, oldest first."""
        async with self.ledger.read() as session:
            found = await alert_notices.recent(session, HERE, 100)
        return [(one.address or one.channel, str(one.state)) for one in reversed(found)]


@pytest.fixture
async def office(ledger: Ledger, clock: FakeClock, box: MailBox, there: Group, tmp_path: Path) -> AsyncIterator[Office]:
    box.messages.clear()
    box.answers.clear()
    found = Office(ledger, clock, box.part, tmp_path, there)
    yield found
    for way in found.ways.values():
        await way.close()


async def test_down_is_told_once_and_up_is_told_once_to_the_same_people(
    office: Office, box: MailBox, there: Group
) -> None:
    await office.contact("zhang")
    await office.contact("li", level=2)
    await office.contact("far", region=431222)
    office.seen = {COUNTY: 1}
    assert await office.turn() == (1, 0, 0)
    for _ in range(3):
        await office.turn(0.7)
    assert [message["To"] for message in box.messages] == ["zhang@example.gov.cn"]
    assert there.posts == []
    await office.turn(4.5)
    await office.turn(4.5)
    await office.turn(4.5)
    assert [message["To"][:2] for message in box.messages] == ["zh", "li"]
    assert [body["text"]["content"].splitlines()[0] for body in there.bodies] == [
        "【严重·第2级】链路中断：431221.platform"
    ]
    office.seen = {COUNTY: 0}
    assert await office.turn(0.1) == (0, 1, 3)
    await office.turn(1)
    assert [message["To"][:2] for message in box.messages] == ["zh", "li", "zh", "li"]
    assert "恢复" in text_of(box.messages[-1])
    assert len(there.posts) == 2
    (alert,) = await office.desk.history(HERE, 10)
    story = (await office.desk.stories([alert]))[alert.alert_id]
    assert [(one.event, one.level) for one in story] == [("opened", 0), ("escalated", 2), ("closed", 0)]


async def test_who_takes_it_on_stops_it_from_going_higher(office: Office, box: MailBox) -> None:
    await office.contact("zhang")
    await office.contact("li", level=2)
    office.seen = {COUNTY: 1}
    await office.turn()
    await office.turn(1)
    (alert,) = await office.desk.open(HERE, 10)
    await office.desk.acknowledge(alert.alert_id, HERE, "person:local/wang", "已联系机房")
    with pytest.raises(Violated, match="ALERT_TAKEN"):
        await office.desk.acknowledge(alert.alert_id, HERE, "person:local/zhao")
    with pytest.raises(Violated, match="ALERT_UNKNOWN"):
        await office.desk.acknowledge(alert.alert_id, subtree(431222), "person:local/zhao")
    for _ in range(5):
        await office.turn(4)
    assert [message["To"][:5] for message in box.messages] == ["zhang"]
    office.seen = {}
    await office.turn(1)
    assert [message["To"][:5] for message in box.messages] == ["zhang", "zhang"]
    with pytest.raises(Violated, match="ALERT_OVER"):
        await office.desk.acknowledge(alert.alert_id, HERE, "person:local/zhao")


async def test_a_silence_hides_the_telling_and_not_the_alert(office: Office, box: MailBox) -> None:
    await office.contact("zhang")
    silence = await office.desk.silence("link.*", "431221.*", 2, "机房检修", "host:li")
    office.seen = {COUNTY: 1, OTHER_COUNTY: 1}
    for _ in range(3):
        await office.turn(2)
    assert await office.open() == [COUNTY, OTHER_COUNTY]
    assert [OTHER_COUNTY in text_of(message) for message in box.messages] == [True]
    await office.desk.end_silence(silence.silence_id, HERE)
    with pytest.raises(Violated, match="SILENCE_UNKNOWN"):
        await office.desk.end_silence(silence.silence_id, HERE)
    await office.turn(1)
    assert len(box.messages) == 2
    assert COUNTY in text_of(box.messages[-1])


async def test_a_mail_server_that_is_away_gets_it_once_when_it_is_back(office: Office, box: MailBox) -> None:
    await office.contact("zhang")
    office.seen = {COUNTY: 1}
    await office.turn()
    box.answers = ["451 later", "451 later"]
    await office.turn(1)
    assert (box.messages, await office.states()) == ([], [("zhang@example.gov.cn", "waiting")])
    await office.turn(0.1)
    assert box.messages == []
    await office.turn(1)
    await office.turn(1)
    assert len(box.messages) == 1
    assert await office.states() == [("zhang@example.gov.cn", "sent")]


async def test_after_so_many_tries_it_is_given_up_and_shown(office: Office, box: MailBox) -> None:
    box.answers = ["550 nobody here"] * 6
    await office.desk.try_channel("mail", "nobody@example.gov.cn", "host:li")
    for _ in range(5):
        await office.turn(4)
    assert (box.messages, await office.states()) == ([], [("nobody@example.gov.cn", "failed")])


async def test_what_a_dead_sender_had_in_its_hands_is_not_sent_again(office: Office, box: MailBox) -> None:
    notice = await office.desk.try_channel("mail", "zhang@example.gov.cn", "host:li")
    async with office.ledger.write() as session:
        (claimed,) = await alert_notices.claim(session, 431200, office.desk.now(), timedelta(minutes=5), 10)
    assert claimed.event_id == notice.event_id
    for _ in range(3):
        await office.turn(3)
    assert (box.messages, await office.states()) == ([], [("zhang@example.gov.cn", str(NoticeState.UNSURE))])


async def test_after_a_long_pause_there_is_one_summary_and_no_flood(office: Office, box: MailBox) -> None:
    await office.contact("zhang")
    names = [f"4312{number:02d}.platform" for number in range(21, 41)]
    office.seen = dict.fromkeys(names[:3], 1.0)
    await office.turn()
    await office.turn(0.5)
    office.seen = dict.fromkeys(names, 1.0)
    await office.turn(60 * 24)
    assert len(box.messages) == 1
    assert "[summary] 3 alerts" in text_of(box.messages[0])
    await office.turn(1)
    assert len(box.messages) == 2
    assert "[summary] 17 alerts" in text_of(box.messages[1])
    assert len(await office.open()) == 20


async def test_several_processes_that_look_at_once_open_one_alert(office: Office) -> None:
    office.seen = {COUNTY: 1}
    await office.turn()
    office.seen = {COUNTY: 0, OTHER_COUNTY: 1}
    office.clock.advance(seconds=5)
    await asyncio.gather(*(office.watch.run() for _ in range(3)))
    assert await office.open() == [OTHER_COUNTY]
    assert len(await office.desk.history(HERE, 10)) == 2


async def test_what_cannot_be_looked_at_stays_as_it_was(office: Office) -> None:
    office.seen = {COUNTY: 1}
    await office.turn()
    office.is_blind = True
    assert await office.turn(1) == (0, 0, 0)
    assert await office.open() == [COUNTY]
    office.is_blind, office.seen = False, {}
    await office.turn(1)
    assert await office.open() == []


async def test_a_rule_is_changed_switched_off_and_brought_back(office: Office) -> None:
    office.seen = {COUNTY: 1}
    await office.turn()
    await office.desk.change_rule("link.down", {"is_on": False}, "host:li")
    await office.turn(1)
    assert await office.open() == []
    await office.desk.change_rule("link.down", {"raise_seconds": 600, "severity": "notice"}, "host:li")
    assert (await office.desk.rules())["link.down"].raise_seconds == 600
    await office.turn(1)
    assert await office.open() == []
    await office.turn(10)
    assert [str(one.severity) for one in await office.desk.open(HERE, 9)] == ["notice"]
    await office.desk.change_rule("link.down", {}, "host:li")
    assert (await office.desk.rules())["link.down"].raise_seconds == 0
    for wrong in (
        {"raise_at": "x"},
        {"raise_seconds": -1},
        {"clear_at": 7},
        {"name": "a.b"},
        {"raise_at": float("nan")},
    ):
        with pytest.raises(Violated, match="ALERT_RULE_INVALID"):
            await office.desk.change_rule("link.down", wrong, "host:li")
    with pytest.raises(Violated, match="ALERT_RULE_UNKNOWN"):
        await office.desk.change_rule("link.up", {}, "host:li")


async def test_contacts_are_checked_and_kept_inside_ones_regions(office: Office) -> None:
    good = Contact(region=431221, contact_id=UUID(int=1), name="张三", mail="zhang@example.gov.cn", robot="值班群")
    await office.desk.keep_contact(good, HERE, "li")
    wrong: list[dict[str, Any]] = [
        {"name": " "}, {"mail": "not an address"}, {"mail": "a@b\nBcc: c@d"}, {"robot": "别的群"}, {"level": 0},
        {"duty_days": "89"}, {"duty_from": 24}, {"phone": "1" * 41}, {"region": 430000},
    ]  # fmt: skip
    for fields in wrong:
        contact = Contact(**{**{name: getattr(good, name) for name in Contact.__struct_fields__}, **fields})
        with pytest.raises(Violated, match=r"CONTACT_INVALID|FIELD_MISSING|CHANNEL_UNKNOWN|REGION_FORBIDDEN"):
            await office.desk.keep_contact(contact, HERE, "li")
    assert await office.desk.contacts(HERE) == [good]
    with pytest.raises(Violated, match="CONTACT_UNKNOWN"):
        await office.desk.remove_contact(good.contact_id, subtree(431222))
    await office.desk.remove_contact(good.contact_id, HERE)
    assert await office.desk.contacts(HERE) == []


async def test_a_hub_sees_its_links_jobs_certificates_and_log(ledger: Ledger, office: Office) -> None:
    soon = office.desk.now() + timedelta(days=5)
    peer = await enrolled(ledger, COUNTY, address="county:7443", certificate_end_time=soon)
    async with ledger.watching() as connection:
        for _ in range(2):
            await links.note_failure(connection.driver, peer.destination_id, "连接被拒绝", 60)
        await connection.driver.execute(
            "INSERT INTO job_runs (job, started_time, ended_time, trouble) VALUES ('fold-figures', now(), now(), 'x'),"
            " ('fold-figures', now(), now(), 'y'), ('fine', now(), now(), 'z'), ('fine', now(), now(), '')"
        )
    watch = AlertWatch(ledger, office.settings, office.clock, Observers(office.settings).all())
    await watch.run()
    async with ledger.read() as session:
        found = {(one.rule, one.subject): one for one in await alerts.open_alerts(session, 431200)}
    assert ("link.down", COUNTY) in found
    assert "连接被拒绝" in found["link.down", COUNTY].text
    assert ("job.failing", "fold-figures") in found
    assert ("job.failing", "fine") not in found
    assert [key for key in found if key[0].startswith("certificate")] == [
        ("certificate.ending", f"{COUNTY} 证书 thumb-431221.pla")
    ]
    async with ledger.watching() as connection:
        await links.note_success(connection.driver, peer.destination_id)
    office.clock.advance(seconds=5)
    await watch.run()
    async with ledger.read() as session:
        assert "link.down" not in {one.rule for one in await alerts.open_alerts(session, 431200)}
