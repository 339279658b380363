"""Where a request goes: routes from endpoints to variants, and links to the workers behind them.

A route changes in one assignment, and a request is chosen a link and written to it without a pause in between. So every
request is answered by the old route or by the new one, and a link that left its route only has to finish what it has.
"""

from __future__ import annotations

import asyncio
import bisect
import itertools
import json
import logging
import random
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from contender.local.containers.invocation import Answer, Request
from contender.local.serving.wire import Frames, pack_request, unpack_answer

logger = logging.getLogger(__name__)

MODEL_TIMEOUT_S = 60.0
OPEN_TIMEOUT_S = 15.0
FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.5
TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary."
    " Review the latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)


Answered = Callable[[Answer], None]


class UnknownEndpoint(Exception):
    """No endpoint of that name takes requests."""


class UnknownVariant(Exception):
    """The endpoint has no variant of that name."""


class Link(asyncio.Protocol):
    """The connection to one worker, made again whenever it breaks. Many requests are in flight on it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.up = asyncio.Event()
        self.waiting: dict[int, tuple[Answered, float]] = {}
        self.idle = asyncio.Event()
        self.idle.set()
        self._numbers = itertools.count()
        self._closed = False
        self._hello = b""
        self._transport: asyncio.WriteTransport | None = None
        self._frames = Frames()
        self._connecting = asyncio.create_task(self._connect())

    def ask(self, request: Request, answered: Answered) -> None:
        """Call `answered` with the worker's answer, or with one of 503 or 0 if it ends or takes too long."""
        if self._transport is None or not self.up.is_set():
            answered(_unavailable("The model's process is being restarted."))
            return
        number = next(self._numbers) & 0xFFFFFFFF
        self.waiting[number] = (answered, time.monotonic())
        self.idle.clear()
        self._transport.write(pack_request(number, request))

    def close(self) -> None:
        self._closed = True
        self._connecting.cancel()
        if self._transport is not None:
            self._transport.close()

    def expire(self, now: float) -> None:
        """Answer for the worker what waits longer than a model may take."""
        for number, (_, since) in list(self.waiting.items()):
            if now - since < MODEL_TIMEOUT_S:
                return
            self._finish(number, Answer(0, TIMED_OUT.encode(), "text/plain"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._hello, self._frames = b"", Frames()

    def data_received(self, data: bytes) -> None:
        if not self.up.is_set():
            self._hello += data
            if not self._hello.endswith(b"\n"):
                return
            if "error" in json.loads(self._hello):
                return  # it ends now; the next one is tried
            self.up.set()
            return
        for frame in self._frames.feed(data):
            self._finish(*unpack_answer(frame))

    def connection_lost(self, error: Exception | None) -> None:
        self.up.clear()
        self._transport = None
        for number in list(self.waiting):
            self._finish(number, _unavailable("The model's process ended while it worked on the request."))
        if not self._closed:
            self._connecting = asyncio.create_task(self._connect())

    def _finish(self, number: int, answer: Answer) -> None:
        answered, _ = self.waiting.pop(number, (None, 0))
        if not self.waiting:
            self.idle.set()
        if answered is not None:  # else it had been given up
            answered(answer)

    async def _connect(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._closed:
            try:
                await asyncio.get_running_loop().create_unix_connection(lambda: self, self.path)
                return
            except OSError:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


class Links:
    """All links, by the path of the worker's socket."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}

    async def open(self, paths: Collection[str]) -> None:
        """Link these workers and give them a while to answer; one that does not is linked when it does."""
        for path in paths:
            if path not in self._links:
                self._links[path] = Link(path)
        waits = [asyncio.ensure_future(self._links[path].up.wait()) for path in paths]
        if waits:
            _, late = await asyncio.wait(waits, timeout=OPEN_TIMEOUT_S)
            for wait in late:
                wait.cancel()

    def at(self, paths: Iterable[str]) -> list[Link]:
        return [self._links[path] for path in paths]

    async def drain(self, links: Iterable[Link]) -> None:
        """Wait until the requests on these links are answered, then forget the links."""
        for link in links:
            await link.idle.wait()
            link.close()
            self._links.pop(link.path, None)

    async def sweep(self) -> None:
        """Forever: end requests that take longer than AWS lets a model take."""
        while True:
            await asyncio.sleep(1)
            now = time.monotonic()
            for link in list(self._links.values()):
                link.expire(now)


@dataclass(frozen=True, slots=True)
class Variant:
    name: str
    links: Sequence[Link]

    def least_busy(self) -> Link:
        """The worker with the fewest requests in flight, among those that are up if any is."""
        if len(self.links) == 1:
            return self.links[0]
        return min(self.links, key=lambda link: (not link.up.is_set(), len(link.waiting)))


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint's variants; `bounds[i]` is the sum of the weights up to and including variant i."""

    variants: Sequence[Variant]
    bounds: Sequence[float]
    by_name: dict[str, Variant]


class Router:
    """Routes by endpoint name, and the generator that splits traffic by weight."""

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator
        self._routes: dict[str, Route] = {}

    def choose(self, endpoint: str, target: str = "") -> Variant:
        """The target variant, or one by weight. Raises UnknownEndpoint, UnknownVariant."""
        route = self._routes.get(endpoint)
        if route is None:
            raise UnknownEndpoint(endpoint)
        if target:
            if target not in route.by_name:
                raise UnknownVariant(target)
            return route.by_name[target]
        if len(route.variants) == 1:
            return route.variants[0]
        point = self._generator.random() * route.bounds[-1]
        # not bisect_left: a variant of weight 0 must not get the point that equals its bound
        return route.variants[min(bisect.bisect_right(route.bounds, point), len(route.variants) - 1)]

    def route(self, endpoint: str, variants: Sequence[tuple[str, float, Sequence[Link]]]) -> list[Link]:
        """Switch the endpoint to these (name, weight, links). Returns the links that it no longer uses."""
        made = [Variant(name, links) for name, _, links in variants]
        bounds = list(itertools.accumulate(weight for _, weight, _ in variants))
        before = self._links_of(endpoint)
        self._routes[endpoint] = Route(made, bounds, {variant.name: variant for variant in made})
        return [link for link in before if link not in set(self._links_of(endpoint))]

    def remove(self, endpoint: str) -> list[Link]:
        """Forget the endpoint. Returns the links that it used."""
        links = self._links_of(endpoint)
        self._routes.pop(endpoint, None)
        return links

    def _links_of(self, endpoint: str) -> list[Link]:
        route = self._routes.get(endpoint)
        return [link for variant in route.variants for link in variant.links] if route else []


def _unavailable(message: str) -> Answer:
    return Answer(503, message.encode(), "text/plain")
