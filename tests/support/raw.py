"""A socket in a test's hand: bytes are sent as they are, and what comes back is read until the other side hangs up."""

import asyncio
import time
from typing import NamedTuple


class Ended(NamedTuple):
    """What came back, and how long it took until the other side hung up; ``None`` for not within the time."""

    answer: bytes
    seconds: float | None

    @property
    def status(self) -> int:
        """Status of the first answer; 0 for none."""
        return int(self.answer[9:12]) if self.answer.startswith(b"HTTP/1.1 ") else 0


async def talk(port: int, *pieces: bytes, pause_seconds: float = 0.0, patience_seconds: float = 15.0) -> Ended:
    """Sends pieces with a pause between them, then reads until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begun = time.monotonic()
    answer = b""

    async def send() -> None:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(pause_seconds)

    sending = asyncio.create_task(send())
    try:
        async with asyncio.timeout(patience_seconds):
            while data := await reader.read(65_536):
                answer += data
        return Ended(answer, time.monotonic() - begun)
    except (TimeoutError, ConnectionResetError) as error:
        return Ended(answer, None if isinstance(error, TimeoutError) else time.monotonic() - begun)
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.transport.abort()
