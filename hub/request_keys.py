"""What a page's request carries besides what was asked: who asks, and where the right it takes reaches."""

from aiohttp import web

from auth.person import Person
from auth.sessions import Found
from exchange_db.regions import Subtree

#: Who is signed on; set by the middleware of sessions. Missing for nobody.
PERSON: web.RequestKey[Person] = web.RequestKey("person", Person)
#: The regions the right of the page reaches; set by ``hub.console.admission``. They go into the SQL.
REGIONS: web.RequestKey[tuple[Subtree, ...]] = web.RequestKey("regions", tuple)
#: The session itself; missing for nobody.
FOUND: web.RequestKey[Found] = web.RequestKey("found", Found)
#: What forms are bound to: the session, or the browser before there is one. Empty when it holds nothing.
TOKEN: web.RequestKey[str] = web.RequestKey("token", str)
