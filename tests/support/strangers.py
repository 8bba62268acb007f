"""Callers without any of our client's checks: whatever certificate they like, whatever they send."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import grpc

from auth.certificates import Certified
from connectors.transports.grpc_peer import Target

NOW = datetime.now(UTC)


@asynccontextmanager
async def channel_to(target: Target, shown: Certified | None = None) -> AsyncIterator[grpc.aio.Channel]:
    """Opens a channel, with the target's certificate or another one that is shown instead."""
    certificate = shown.certificate if shown else target.certificate.read_bytes()
    key = shown.key if shown else target.key.read_bytes()
    credentials = grpc.ssl_channel_credentials(target.authority.read_bytes(), key, certificate)
    options = [("grpc.ssl_target_name_override", target.peer_id)]
    async with grpc.aio.secure_channel(target.address, credentials, options) as channel:
        yield channel
