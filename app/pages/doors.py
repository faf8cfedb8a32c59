"""The way in to the pages: every request gets an answer with the same guarded headers."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.pages.access_log import AccessLog
from app.pages.languages import OTHER, language
from app.pages.links import Opened, opened, token
from app.pages.overview import overview
from app.pages.person import person_page
from app.pages.reading import scene
from app.pages.rendering import STYLES, Templates
from app.pages.sheet import Sheet
from app.wiring import Installation
from app.words.pages import AWAY, CLOSED, FAULT, READ_ONLY, Notice
from app.words.report import Language
from core.connector import Platform
from core.database import DatabaseAway, Transaction
from core.ledger import Ledger
from core.refusals import Unknown
from core.report.person import report_of

MOUNTED_AT = "/s"  # where the whole application puts these pages

HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # the address of a page is a credential
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
NO_SUCH_METHOD = 405
TRY_AGAIN = {"Retry-After": "120"}  # seconds

log = logging.getLogger(__name__)


def pages(installation: Installation) -> Starlette:
    """To be mounted at MOUNTED_AT."""
    return create(installation.ledger, installation.platforms)


def create(ledger: Ledger, platforms: Mapping[str, Platform]) -> Starlette:
    doors = Doors(ledger, platforms)
    made = Starlette(
        routes=[Route(f"/{STYLES}", doors.styles), Route("/{token}", doors.show)],
        middleware=[Middleware(AccessLog, mounted_at=MOUNTED_AT)],
        exception_handlers={HTTPException: doors.no_page},
    )
    made.router.redirect_slashes = False  # a redirect would repeat the token
    return made


class Doors:
    """Turns a link into its page; nothing else can be asked here."""

    def __init__(self, ledger: Ledger, platforms: Mapping[str, Platform]) -> None:
        self.ledger = ledger
        self.platforms = platforms
        self.templates = Templates()

    def styles(self, _: Request) -> Response:
        return Response(self.templates.styles, media_type="text/css", headers=HEADERS)

    def no_page(self, request: Request, error: Exception) -> Response:
        """Where no route leads, or another method than GET was tried."""
        if isinstance(error, HTTPException) and error.status_code == NO_SUCH_METHOD:
            return self.notice(request, READ_ONLY, NO_SUCH_METHOD, headers=error.headers)
        return self.notice(request, CLOSED, 404)

    def show(self, request: Request) -> Response:
        try:
            return self.page(request)
        except DatabaseAway:
            return self.notice(request, AWAY, 503, headers=TRY_AGAIN)
        except Exception:  # the last line: beyond it is the server's own answer
            code = secrets.token_hex(4)
            log.exception("a fault in a page", extra={"code": code})
            return self.notice(request, FAULT, 500, code=code)

    def page(self, request: Request) -> Response:
        with self.ledger.read() as tx:
            found = opened(self.ledger, tx, request.path_params["token"])
            if found is None:
                return self.notice(request, CLOSED, 404)
            sheet = Sheet(spoken(request), found.customer.time_zone)
            try:
                name, made = self.opened(tx, found, sheet)
            except Unknown:  # the person's row is no more
                return self.notice(request, CLOSED, 404)
        now, until = sheet.moment(tx.now), sheet.moment(found.link.expires_at)
        return self.rendered(
            name, sheet.language, sheet=sheet, page=made, of=found.customer, now=now, until=until
        )

    def opened(self, tx: Transaction, found: Opened, sheet: Sheet) -> tuple[str, Any]:
        """The template with what it shows. Raises Unknown."""
        key = self.ledger.keys_of(tx, found.customer.id).key
        if found.link.person:
            read = report_of(self.ledger, tx, found.customer, found.link.person, self.platforms)
            return "person.html", person_page(read, sheet)
        read_all = scene(self.ledger, tx, found.customer, self.platforms)
        return "overview.html", overview(
            read_all, sheet, lambda person: token(found.link.to(person), key)
        )

    def notice(
        self,
        request: Request,
        notice: Notice,
        status: int,
        *,
        code: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """In both languages: who cannot read the page may not have chosen one."""
        first = spoken(request)
        made = self.rendered("notice.html", first, notice=notice, code=code, second=OTHER[first])
        made.status_code = status
        made.headers.update(headers or {})
        return made

    def rendered(self, name: str, lang: Language, **values: Any) -> Response:
        html = self.templates.render(name, lang, **values)
        headers = {**HEADERS, "Content-Language": lang}
        return Response(html, media_type="text/html", headers=headers)


def spoken(request: Request) -> Language:
    return language(
        request.query_params.get("lang", ""), request.headers.get("accept-language", "")
    )
