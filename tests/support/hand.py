"""Somebody at the keyboard who fills in a form of the page and presses its button, in a real browser."""

import re
from typing import Self

from playwright.async_api import BrowserContext, Locator, Page, Response, expect

from hub.doors import PAGE_DOORS

_DOORS = {
    door: re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(door)) + r"\Z")
    for door in PAGE_DOORS
    if door.startswith("POST ")
}


class Hand:
    """Presses buttons of one page and notes which doors that went to.

    Args:
        page: the page.
        host: where the hub is; whatever is asked of anybody else is a complaint.
    """

    def __init__(self, page: Page, host: str) -> None:
        self.page = page
        self.pressed: set[str] = set()
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(f"{page.url}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("request", lambda asked: self.complaints.extend([] if asked.url.startswith(host) else [asked.url]))

    @classmethod
    async def at(cls, context: BrowserContext, host: str) -> Self:
        """Opens a page."""
        return cls(await context.new_page(), host)

    async def go(self, address: str) -> None:
        """Opens an address; it must be there."""
        answer = await self.page.goto(address)
        assert answer is not None
        assert answer.status == 200, f"{address}: {answer.status}"

    async def press(self, action: str, told: str, *, button: str = "", near: str = "", **fills: str) -> None:
        """Fills in a form and presses its button.

        Args:
            action: where the form goes.
            told: what the page says afterwards.
            button: the button's text, where the form has several.
            near: text of the row of a table the form stands in.
            fills: names of fields to what is entered, chosen or ticked; of a file its path.
        """
        place = self.page.get_by_role("row", name=re.compile(re.escape(near))) if near else self.page.locator("main")
        form = self._form(place, action, button)
        for name, value in fills.items():
            field = form.locator(f"[name='{name}']:not([type=hidden])").first
            kind = await field.evaluate("field => field.type")
            if kind == "select-one":
                await field.select_option(value)
            elif kind == "checkbox":
                await field.check()
            elif kind == "file":
                await field.set_input_files(value)
            else:
                await field.fill(value)
        pressed = form.get_by_role("button", name=button, exact=True) if button else form.locator("button").first
        async with self.page.expect_response(lambda answer: answer.request.method == "POST") as answer:
            await pressed.click()
        await self._note(await answer.value)
        await expect(self.page.locator("main")).to_contain_text(told)

    async def take(self, action: str, *, button: str = "") -> bytes:
        """Presses a button that gives a file out, and returns it."""
        form = self._form(self.page.locator("main"), action, button)
        pressed = form.get_by_role("button", name=button, exact=True) if button else form.locator("button").first
        async with self.page.expect_download() as waiting:
            await pressed.click()
        download = await waiting.value
        self.pressed |= {door for door, pattern in _DOORS.items() if pattern.match(f"POST {action}")}
        return (await download.path()).read_bytes()

    def _form(self, place: Locator, action: str, button: str) -> Locator:
        forms = place.locator(f"form[method=post][action='{action}']")
        return (forms.filter(has=self.page.get_by_role("button", name=button, exact=True)) if button else forms).first

    async def _note(self, answer: Response) -> None:
        path = re.sub(r"^\w+://[^/]+|\?.*", "", answer.url)
        if answer.status >= 400:
            raise AssertionError(f"{path}: {answer.status}: {await self.page.locator('main').inner_text()}"[:400])
        self.pressed |= {door for door, pattern in _DOORS.items() if pattern.match(f"POST {path}")}
