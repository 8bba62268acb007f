"""What notices of alerts are sent to: a mail server and a web server in this process, which can be made to refuse."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from hub.demo.staging import free_port
from hub.sections.alerts import MailPart


class MailBox:
    """A real mail server; ``answers`` are given to the next messages in place of taking them."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.answers: list[str] = []
        self.port = free_port()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Takes a message, as aiosmtpd asks."""
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        self.messages.append(message_from_bytes(envelope.content))
        return "250 OK"

    @property
    def part(self) -> MailPart:
        """The settings of a hub that sends by it."""
        return MailPart(
            host="127.0.0.1", port=self.port, security="none", addresses=(f"127.0.0.1:{self.port}",),
            sender="hub@example.gov.cn",
        )  # fmt: skip


def text_of(message: Message) -> str:
    """Returns the text of a mail."""
    payload = message.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


@contextmanager
def mail_box() -> Iterator[MailBox]:
    """Yields a mail server that is listening."""
    box = MailBox()
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


class Group:
    """A group's robot, or whoever takes a webhook; ``answers`` are given in place of the usual one."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self.url = f"http://{self.address}/robot/send?access_token=abc"
        self.posts: list[tuple[web.Request, bytes]] = []
        self.answers: list[dict[str, Any]] = []

    @property
    def bodies(self) -> list[Any]:
        """What was posted, read."""
        return [json.loads(body) for _, body in self.posts]

    async def take(self, request: web.Request) -> web.Response:
        """Takes a post."""
        self.posts.append((request, await request.read()))
        return web.json_response(self.answers.pop(0) if self.answers else {"errcode": 0, "code": 0})


@asynccontextmanager
async def group(port: int = 0) -> AsyncIterator[Group]:
    """Yields a web server that takes what robots are sent, on a free port or one that was chosen before."""
    found = Group(port or free_port())
    application = web.Application()
    application.router.add_post("/robot/send", found.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", found.port).start()
    try:
        yield found
    finally:
        await runner.cleanup()
