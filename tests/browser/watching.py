"""A page that is watched: what a good page never does is written down as a fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route


@dataclass(frozen=True)
class Look:
    """How a reader sees a page: the screen's width in CSS pixels, and `light` or `dark`."""

    width: int
    scheme: str

    @property
    def is_phone(self) -> bool:
        return self.width < 600

    def __str__(self) -> str:
        return f"{self.width}-{self.scheme}"


DESKTOP = Look(1280, "light")
PHONE = Look(390, "light")
LOOKS = (DESKTOP, Look(1280, "dark"), PHONE, Look(390, "dark"))


@dataclass
class Watch:
    """A page and its faults: errors in the console, uncaught ones, requests it must not make, answers from 400 on."""

    page: Page
    origin: str
    faults: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", lambda answer: self._answered(answer.status, answer.url))
        self.page.on(
            "dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss())
        )
        self.page.context.route("**/*", self._route)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.faults.append(f"console {message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a page that is left in the middle of a request
            self.faults.append(f"request failed: {request.url}: {request.failure}")

    def _answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.faults.append(f"{status}: {url}")

    def _route(self, route: Route) -> None:
        url = route.request.url
        if origin_of(url) == self.origin or url.startswith(("data:", "blob:", "about:")):
            route.continue_()
        else:
            self.faults.append(f"request beyond {self.origin}: {url}")
            route.abort()


def watch(browser: Browser, address: Path | str, look: Look, **options: Any) -> Watch:
    """Open `address` (a file's path, or a URL) in a context of its own.

    options: playwright's own of a context, such as `javascript=False` (here so named), `locale`, `timezone_id`.
    """
    url = address.resolve().as_uri() if isinstance(address, Path) else address
    context = browser.new_context(
        viewport={"width": look.width, "height": 844 if look.is_phone else 900},
        color_scheme=look.scheme,  # type: ignore[arg-type]
        has_touch=look.is_phone,
        is_mobile=look.is_phone,
        reduced_motion="reduce",
        java_script_enabled=options.pop("javascript", True),
        **options,
    )
    watched = Watch(context.new_page(), origin_of(url))
    watched.listen()
    watched.page.goto(url, wait_until="load")
    return watched


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def too_wide(page: Page) -> list[str]:
    """What reaches beyond the window's right edge, other than inside a box that scrolls by itself."""
    return page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth, found = [];
            if (document.documentElement.scrollWidth <= width) return found;
            for (const element of document.body.querySelectorAll('*')) {
                const box = element.getBoundingClientRect();
                if (!box.width || box.right <= width + 1) continue;
                const name = element.tagName.toLowerCase() + '#' + element.id;
                const style = element.className.baseVal ?? element.className;
                found.push(`${name}.${style} to ${Math.round(box.right)} of ${width}`);
            }
            return found.slice(0, 5);
        }"""
    )
