"""What the console's guard answers when it refuses: a page to people, OAuth's own words to software."""

import psycopg
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hub.console.guard import guard
from hub.console.pace import pace
from hub.console.pages import Pages
from hub.settings import HubPart, Settings
from hub.throttle import Throttle
from tests.support.clock import FakeClock


async def test_software_that_is_refused_reads_json_and_people_a_page(clock: FakeClock) -> None:
    settings = Settings(hub=HubPart(id="431200.hub", name="怀化市"))
    pages = Pages(settings)

    async def answer(request: web.Request) -> web.Response:
        if "lost" in request.query:
            raise psycopg.OperationalError
        if "keyless" in request.query:
            raise FileNotFoundError(2, "No such file", "keys/authority.pem")
        if "broken" in request.query:
            raise KeyError
        return web.json_response({})

    middlewares = [guard(pages, settings.console), pace(settings.console, Throttle(clock, 4))]
    application = web.Application(middlewares=middlewares)
    for path in ("/oidc/token", "/sso"):
        application.router.add_route("*", path, answer)
    async with TestClient(TestServer(application)) as client:
        for query, status, error in (
            ("", 200, ""), ("lost", 503, "temporarily_unavailable"), ("broken", 500, "server_error"), ("", 200, ""),
            ("", 429, "temporarily_unavailable"),
        ):  # fmt: skip
            async with client.post("/oidc/token", params={query: "1"} if query else {}) as told:
                said = await told.json()
                assert (told.status, told.content_type) == (status, "application/json")
            assert said.get("error", "") == error
            assert said.get("error_description", "").isascii()
        assert 0 < int(told.headers["Retry-After"]) <= 60
        assert told.headers["Cache-Control"] == "no-store"
        async with client.get("/sso") as told:
            assert (told.status, told.content_type) == (429, "text/html")
        clock.advance(minutes=5)
        async with client.get("/sso", params={"keyless": "1"}) as told:
            assert (told.status, "keys/authority.pem" in await told.text()) == (503, True)
