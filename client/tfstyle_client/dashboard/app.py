"""The application: routes of the page and of the API, and what surrounds them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tfstyle_client.dashboard.context import Dashboard, UntilTheEnd
from tfstyle_client.dashboard.endpoints import about, images, jobs, letters, session, streams
from tfstyle_client.dashboard.guard import Guard
from tfstyle_client.dashboard.problems import HANDLERS
from tfstyle_client.dashboard.settings import DashboardSettings

STATIC = Path(__file__).with_name("static")
API = "/api/v1"
UNCHANGED = {"Cache-Control": "no-cache"}
"""Browsers ask whether a file of the page has changed, so that an update is seen at once."""


async def page(request: Request) -> Response:
    """The page; with a code, the browser is let in first."""
    return session.admission(request) or FileResponse(STATIC / "index.html", headers=UNCHANGED)


class PageFiles(StaticFiles):
    """The files of the page."""

    def file_response(self, *arguments: object, **named: object) -> Response:
        """As in `StaticFiles`."""
        response = super().file_response(*arguments, **named)  # type: ignore[arg-type]
        response.headers.update(UNCHANGED)
        return response


def application(settings: DashboardSettings) -> Starlette:
    """The dashboard with these settings, as an ASGI application."""
    dashboard = Dashboard(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await dashboard.callers.close()

    middleware = [Middleware(Guard, settings.reach), Middleware(UntilTheEnd)]
    if settings.reach.origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.reach.origins,
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
                expose_headers=["Location", "Retry-After"],
            )
        )
    parts = (about, session, images, letters, jobs, streams)
    app = Starlette(
        routes=[
            Route("/", page),
            Mount("/static", PageFiles(directory=STATIC)),
            Mount(API, routes=[route for part in parts for route in part.ROUTES]),
        ],
        middleware=middleware,
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.state.dashboard = dashboard
    return app
