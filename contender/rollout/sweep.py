"""A tick over every dimension in every stage: what can be read of many at once is, the rest in threads.

A dimension that fails is reported and stops no other. Hooks may take minutes, so they are asked in a second round.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from contender import endpoints, registry
from contender.endpoints import Leftovers
from contender.errors import NamingError
from contender.rollout.observe import Known
from contender.rollout.state import State
from contender.rollout.tick import Controller, Report, Tick

logger = logging.getLogger(__name__)

THREADS = 16
"""Dimensions at the same time; most of a tick is waiting for AWS."""
MOST_ASKING = 64


@dataclass(frozen=True, slots=True)
class Place:
    controller: Controller
    dimension: str

    @property
    def endpoint(self) -> str:
        return self.controller.names.endpoint(self.dimension)


def sweep(controllers: Sequence[Controller]) -> tuple[Report, ...]:
    """Every dimension that has a version, in the stages that these control."""
    if not controllers:
        return ()
    sagemaker, names = controllers[0].sight.sagemaker, controllers[0].names
    found = (names.dimension_of_group(group) for group in registry.list_groups(sagemaker, f"{names.project}-"))
    dimensions = sorted(dimension for dimension in found if dimension is not None)
    places = [
        Place(controller, dimension) for controller in controllers for dimension in _fitting(controller, dimensions)
    ]
    known = _known(controllers[0], [place.endpoint for place in places])

    def first(place: Place) -> Report:
        return _tick(place, known[place.endpoint])

    def second(place: Place) -> Report:
        return _tick(place, None)

    with ThreadPoolExecutor(THREADS) as pool:
        reports = list(pool.map(first, places))
    asking = [index for index, report in enumerate(reports) if report.asks]
    if asking:
        with ThreadPoolExecutor(min(len(asking), MOST_ASKING)) as pool:
            later = list(pool.map(second, (places[index] for index in asking)))
        for index, report in zip(asking, later, strict=True):
            reports[index] = report.after(reports[index])
    return tuple(reports)


def _fitting(controller: Controller, dimensions: Sequence[str]) -> Iterator[str]:
    """Those that can have an endpoint in this stage: a longer name is said by the execution, which failed for it."""
    for dimension in dimensions:
        try:
            controller.names.endpoint(dimension)
        except NamingError as error:
            logger.warning("left out: %s", error)
        else:
            yield dimension


def _tick(place: Place, known: Known | None) -> Report:
    try:
        second = known is None
        return Tick(place.controller, place.dimension, known, asks_hooks=second, hooks_are_ours=second).run()
    except Exception as error:
        state = known.state if known is not None else None
        return Report(place.controller.spec.stage, state or State(place.endpoint, place.dimension), error=error)


def _known(controller: Controller, places: Collection[str]) -> dict[str, Known]:
    """What a few calls tell of all of them."""
    sight, names = controller.sight, controller.names
    states = controller.ledger.states()
    published = sight.store.settings_of(places) if sight.store is not None else {}
    there = endpoints.list_endpoints(sight.sagemaker, names)
    left = endpoints.leftovers(sight.sagemaker, names, f"{names.project}-")
    return {
        endpoint: Known(
            states.get(endpoint),
            published.get(endpoint),
            absent=endpoint not in there,
            leftovers=left.get(endpoint, Leftovers()),
        )
        for endpoint in places
    }
