"""The service: requests to verdicts, and everything else that the server answers."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from typing import Any, TypeVar, final

from anyio import fail_after
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from padimkit.errors import did_you_mean
from padimkit.images.pages import Page
from padimkit.inspection.seen import Failure, Seen
from padimkit.inspection.verdict import Verdict
from padimkit.service.inspector import Inspector
from padimkit.service.serving import metrics, uploads
from padimkit.service.serving.answers import EXTRAS, answer
from padimkit.service.serving.batcher import Batcher
from padimkit.service.serving.description import QUERY, description
from padimkit.service.serving.guard import Guard
from padimkit.service.serving.html import Html, index, reference
from padimkit.service.serving.limits import Limits

T = TypeVar("T")
_GONE = 499  # as others count clients that left before their answer
_MOST_PAGES = 1000  # that are listed for a program


@dataclass(frozen=True)
class _Asked:
    """The wishes of a query: a model, what comes beside the line, and a page, None for the only image."""

    model: str
    wanted: set[str]
    page: int | None


@final
class Service:
    """The answers of one server.

    Args:
        inspectors: The models by their names, in the order in which they are listed.
        limits: Those of requests.
        batch_size: The most images that are scored together.
        workers: Threads that decode images and draw pictures.
        hosts: The names by which it may be called; None for any.
    """

    def __init__(
        self,
        inspectors: Mapping[str, Inspector],
        limits: Limits,
        *,
        batch_size: int = 8,
        workers: int = 2,
        hosts: tuple[str, ...] | None = None,
    ) -> None:
        self.limits = limits
        self.answered = 0
        self._inspectors = dict(inspectors)
        self._metrics = metrics.Metrics()
        self._batcher = Batcher(batch_size, self._metrics.scored)
        self._metrics.watch(lambda: self._batcher.waiting)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="padimkit-images")
        self._accepted = 0
        self._hosts = hosts

    def app(self) -> ASGIApp:
        """Return the service as an ASGI application, which ends its threads when it is shut down."""
        described = description(self._inspectors, self.limits)
        plain: dict[str, Callable[[], Response]] = {
            "/": lambda: _html(index()),
            "/docs": lambda: _html(reference(described)),
            "/openapi.json": lambda: JSONResponse(described),
            "/health": lambda: JSONResponse({"status": "ok", "padimkit": version("padimkit")}),
            "/models": lambda: JSONResponse(self._models()),
            "/metrics": lambda: Response(self._metrics.text(), media_type=metrics.TYPE),
        }
        routes = [Route(path, _endpoint(make)) for path, make in plain.items()]
        app = Starlette(
            routes=[*routes, Route("/predict", self._predict, methods=["POST"])],
            exception_handlers={HTTPException: self._not_found, Exception: _failure},
            lifespan=self._lifespan,
        )
        return Guard(app, self._hosts, self._metrics.refused)  # outside, for answers to failures as well

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        self._batcher.close()
        self._pool.shutdown()

    async def _not_found(self, _: Request, error: Exception) -> Response:
        """Answer a request that no route takes; /predict counts its answers itself."""
        assert isinstance(error, HTTPException)
        self._metrics.refused(error.status_code)
        return _refusal(error)

    def _models(self) -> list[dict[str, Any]]:
        return [_model(name, inspector, self.limits) for name, inspector in self._inspectors.items()]

    async def _predict(self, request: Request) -> Response:
        start = time.perf_counter()
        status = 500
        try:
            response = await self._admitted(request)
            status = response.status_code
        except HTTPException as refused:
            response = _refusal(refused)
            status = refused.status_code
        except ClientDisconnect:
            status = _GONE
            return Response(status_code=400)  # which nobody reads
        finally:
            self._metrics.answered(status, time.perf_counter() - start)
            self.answered += status == 200
        return response

    async def _admitted(self, request: Request) -> Response:
        if self._accepted >= self.limits.waiting:
            await self._within(uploads.drain(request, self.limits.most_bytes), 408, "arrive")
            raise HTTPException(
                503,
                f"{self.limits.waiting} requests are waiting already (--waiting). Try again a little later.",
                {"Retry-After": "1"},
            )
        self._accepted += 1
        self._metrics.accepted.set(self._accepted)
        try:
            page = await self._within(uploads.received(request, self.limits), 408, "arrive")
            asked = self._asked(request)
            return await self._within(self._answer(page, asked), 503, "be answered")
        finally:
            self._accepted -= 1
            self._metrics.accepted.set(self._accepted)

    async def _within(self, work: Awaitable[T], status: int, what: str) -> T:
        """Return what the work gives; refuse the request if it takes too long to `what`."""
        try:
            with fail_after(self.limits.seconds):
                return await work
        except TimeoutError:
            raise HTTPException(
                status, f"The request took longer than {self.limits.seconds:g} s to {what} (--seconds)."
            ) from None

    def _asked(self, request: Request) -> "_Asked":
        """Return what the query asks for."""
        query = request.query_params
        for key in query:
            _require(key, list(QUERY), "key of the query")
            if key != "with" and len(query.getlist(key)) > 1:
                raise HTTPException(400, f'The query names "{key}" twice. Name it once.')
        wanted = {one for text in query.getlist("with") for one in text.split(",") if one}
        for one in sorted(wanted):
            _require(one, list(EXTRAS), 'value of "with"')
        number = query.get("page")
        if number is not None and not re.fullmatch(r"[0-9]{1,9}", number):
            raise HTTPException(400, 'Expected "page" as the number of a page, from 0.')
        return _Asked(self._model(query.get("model")), wanted, None if number is None else int(number))

    def _model(self, name: str | None) -> str:
        if name is not None:
            _require(name, list(self._inspectors), "model", status=404)
            return name
        if len(self._inspectors) > 1:
            raise HTTPException(400, f"Name a model by ?model=NAME, one of: {', '.join(self._inspectors)}.")
        return next(iter(self._inspectors))

    async def _answer(self, file: Page, asked: "_Asked") -> Response:
        inspector = self._inspectors[asked.model]
        page, read = await self._in_pool(partial(self._read, inspector, file, asked.page))
        judged = await asyncio.wrap_future(self._batcher.submit(inspector, read))
        inspection = replace(judged, path=page.name)  # to the letter, which paths are not
        self._metrics.judged(asked.model, inspection)
        made = partial(answer, inspection, inspector, page, asked.wanted)
        text = await self._in_pool(made) if asked.wanted else made()
        status = 422 if inspection.verdict is Verdict.ERROR else 200
        return Response(text, status, media_type="application/json")

    def _read(self, inspector: Inspector, file: Page, number: int | None) -> tuple[Page, Seen | Failure]:
        page = uploads.page_in(file, number)
        uploads.check(page, self.limits)
        return page, inspector.read(page)

    async def _in_pool(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def _endpoint(make: Callable[[], Response]) -> Callable[[Request], Any]:
    async def endpoint(_: Request) -> Response:
        return make()

    return endpoint


def _html(page: Html) -> Response:
    return HTMLResponse(page.text, headers={"Content-Security-Policy": page.policy})


def _model(name: str, inspector: Inspector, limits: Limits) -> dict[str, Any]:
    calibration = inspector.calibration
    return {
        "name": name,
        "model": inspector.model,
        "threshold": calibration.threshold,
        "review_threshold": calibration.review_threshold,
        "false_alarms": calibration.false_alarms,
        "scores": calibration.scores,
        "megabytes": limits.megabytes,
    }


def _require(found: str, choices: list[str], what: str, *, status: int = 400) -> None:
    if found not in choices:
        raise HTTPException(status, f'There is no {what} "{found}".{did_you_mean(found, choices)}')


def _refusal(error: HTTPException) -> Response:
    content: dict[str, Any] = {"error": error.detail}
    if isinstance(error, uploads.SeveralPages) and len(error.pages) <= _MOST_PAGES:
        content["pages"] = error.pages
    return JSONResponse(content, error.status_code, error.headers)


async def _failure(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": "The server failed; its log says why."}, 500)
