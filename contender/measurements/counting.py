"""What a batch of events changes, given what is remembered: pure, so that a batch can be counted anew at any time.

The rules:

    request     counted once by its inference id; another request of the same id is not counted, nor are its rewards
                told apart: the first one counts. Its user is counted with the first request of an experiment
    reward      counted once by its event id, for the variant and the bucket of the request, whatever changed since.
                A request's rewards of one name are one total: it is a success when the total is positive
    early       a reward whose request was not reported yet waits with the request's id and is counted with it
    neither     what is of no endpoint, experiment or variant known here, or not of this time, is refused with a code.
                So is a reward of one name too many: each name makes an endpoint's counters larger, and they have an end

All numbers are whole: rewards and shares in millionths, squares in millionths of millionths.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from contender.experiments.latency import Latencies
from contender.measurements.counts import OTHER, bucket_key, bucket_start
from contender.measurements.events import MAX_REWARD, REWARD_DIGITS, Conversion, Event, Invocation
from contender.measurements.remembered import (
    ACCEPTED_FOR,
    USER_REMEMBERED_FOR,
    Request,
    expiry,
    request_key,
    reward_key,
    user_key,
)
from contender.measurements.settings import Settings, experiment_number

COUNTED = "counted"
CREDITED = "credited"
WAITING = "waiting"
DUPLICATE = "duplicate"
REPEATED_ID = "repeated_inference_id"
UNKNOWN_ENDPOINT = "unknown_endpoint"
UNKNOWN_EXPERIMENT = "unknown_experiment"
UNKNOWN_VARIANT = "unknown_variant"
TOO_OLD = "too_old"
FROM_THE_FUTURE = "from_the_future"
TOO_MANY_NAMES = "too_many_reward_names"
TOO_MUCH = "reward_too_large"

AHEAD = timedelta(days=1)
MAX_NAMES = 50
"""Names of rewards that one endpoint may have: whoever puts an id into the name must not fill its buckets up."""

UNIT = 10**REWARD_DIGITS
_MAX_TOTAL = MAX_REWARD * UNIT

Place = tuple[str, str]
"""An experiment, and the key of one of its buckets."""


@dataclass(slots=True)
class Measured:
    """What was newly counted of a variant in one minute, for CloudWatch."""

    invocations: int = 0
    conversions: int = 0
    rewards: int = 0


@dataclass(slots=True)
class Draft:
    """What is to be written for a batch, and what became of each of its events."""

    requests: dict[str, Request] = field(default_factory=dict)
    markers: dict[str, int] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    counters: dict[Place, Counter[str]] = field(default_factory=dict)
    waiting: Counter[str] = field(default_factory=Counter)
    outcomes: list[str] = field(default_factory=list)
    measured: dict[tuple[str, str, datetime], Measured] = field(default_factory=dict)

    @property
    def actions(self) -> int:
        """Items that one transaction has to touch."""
        return len(self.requests) + len(self.markers) + len(self.counters) + len(self.endpoints)

    @property
    def endpoints(self) -> set[str]:
        """Those of which other rewards wait than before, or rewards have new names."""
        return {endpoint for endpoint, change in self.waiting.items() if change} | self.names.keys()


def keys(event: Event) -> tuple[str, ...]:
    """The remembered items that decide what an event counts for."""
    request = request_key(event.endpoint_name, event.inference_id)
    if isinstance(event, Conversion):
        return request, reward_key(event.event_id)
    if event.judged and event.experiment:
        return request, user_key(event.experiment, event.user_id)
    return (request,)


def count(
    events: Iterable[Event],
    requests: Mapping[str, Request],
    markers: frozenset[str],
    settings: Callable[[str, int], Settings | None],
    names: Callable[[str, str], frozenset[str]],
    now: datetime,
) -> Draft:
    """Count events after each other, given the requests and markers that are remembered under their keys.

    `settings` gives those of an endpoint, fresh enough to know its experiment of the given number if there is one;
    `names` the names that its rewards have had, fresh enough to know the given one.
    """
    batch = _Batch(requests, markers, settings, names, now)
    for event in events:
        batch.draft.outcomes.append(batch.add(event))
    return batch.draft


class _Batch:
    def __init__(
        self,
        requests: Mapping[str, Request],
        markers: frozenset[str],
        settings: Callable[[str, int], Settings | None],
        names: Callable[[str, str], frozenset[str]],
        now: datetime,
    ) -> None:
        self.draft = Draft()
        self._requests = requests
        self._markers = markers
        self._settings = settings
        self._names = names
        self._now = now

    def add(self, event: Event) -> str:
        if event.at < self._now - ACCEPTED_FOR:
            return TOO_OLD
        if event.at > self._now + AHEAD:
            return FROM_THE_FUTURE
        return self._request(event) if isinstance(event, Invocation) else self._reward(event)

    def _request(self, event: Invocation) -> str:
        endpoint = event.endpoint_name
        number = experiment_number(endpoint, event.experiment) if event.experiment else 0
        settings = self._settings(endpoint, number or 0)
        if settings is None:
            return UNKNOWN_ENDPOINT
        if number is None or number > settings.number:
            return UNKNOWN_EXPERIMENT
        variant = event.variant
        if variant is None or not (event.endpoint_variant or event.judged or variant in settings.shares):
            return UNKNOWN_VARIANT
        key = request_key(endpoint, event.inference_id)
        known = self._known(key)
        if known.reported:
            return DUPLICATE if known.event_id == event.event_id else REPEATED_ID

        request = replace(
            known,
            event_id=event.event_id,
            experiment=event.experiment or settings.experiment,
            variant=variant,
            start=bucket_key("", bucket_start(event.at, settings.bucket_s)),
            judged=event.judged,
            expires=expiry(event.at),
        )
        self.draft.requests[key] = request
        self._add(request, {"n": 1, "errors": int(event.failed)})
        if event.latency_ms is not None and not event.failed:
            self._add(request, {f"lat_{Latencies.index(event.latency_ms)}": 1})
        if event.judged:
            self._expect(request, event)
        self._measure(event, request, invocations=1)
        for name, total in known.totals.items():
            self._credit(event, request, name, 0, total, known.conversions[name])
        self.draft.waiting[endpoint] -= sum(known.conversions.values())
        return COUNTED

    def _expect(self, request: Request, event: Invocation) -> None:
        """Add what the shares promised every variant of this request, and of its user if it is the user's first."""
        user = user_key(request.experiment, event.user_id)
        new = user not in self._markers and user not in self.draft.markers
        if new:
            self.draft.markers[user] = expiry(event.at, USER_REMEMBERED_FOR)
            self._add(request, {"users": 1})
        for variant, share in (event.shares or {}).items():
            expected = round(share * UNIT)
            place = replace(request, variant=variant)
            self._add(place, {"expected_n": expected, "expected_users": expected if new else 0})

    def _reward(self, event: Conversion) -> str:
        endpoint = event.endpoint_name
        if self._settings(endpoint, 0) is None:
            return UNKNOWN_ENDPOINT
        marker = reward_key(event.event_id)
        if marker in self._markers or marker in self.draft.markers:
            return DUPLICATE
        key = request_key(endpoint, event.inference_id)
        known = self._known(key)
        before = known.totals.get(event.name, 0)
        total = before + int(event.reward * UNIT)
        if abs(total) > _MAX_TOTAL:
            return TOO_MUCH
        if not self._has_name(endpoint, event.name):
            return TOO_MANY_NAMES
        # A request is remembered from its own time, however late its rewards are.
        request = known.rewarded(event.name, total, 0 if known.reported else expiry(event.at))
        self.draft.requests[key] = request
        self.draft.markers[marker] = expiry(event.at)
        if not known.reported:
            self.draft.waiting[endpoint] += 1
            return WAITING
        self._credit(event, request, event.name, before, total, 1)
        return CREDITED

    def _has_name(self, endpoint: str, name: str) -> bool:
        """Whether an endpoint's rewards have this name, from now on if there is room for one more."""
        new = self.draft.names.get(endpoint, set())
        if name in new or name in (known := self._names(endpoint, name)):
            return True
        if len(known | new) >= MAX_NAMES:
            return False
        self.draft.names.setdefault(endpoint, set()).add(name)
        return True

    def _credit(self, event: Event, request: Request, name: str, before: int, total: int, conversions: int) -> None:
        """Move a request's total of one name in the counters of its variant."""
        self._add(
            request,
            {
                f"conversions:{name}": conversions,
                f"positive:{name}": int(total > 0) - int(before > 0),
                f"sum:{name}": total - before,
                f"squares:{name}": total * total - before * before,
            },
        )
        self._measure(event, request, conversions=conversions, rewards=total - before)

    def _add(self, request: Request, numbers: Mapping[str, int]) -> None:
        prefix = "" if request.judged else OTHER
        if changes := {prefix + name: number for name, number in numbers.items() if number}:
            place = request.experiment, request.variant + request.start
            self.draft.counters.setdefault(place, Counter()).update(changes)

    def _measure(
        self, event: Event, request: Request, *, invocations: int = 0, conversions: int = 0, rewards: int = 0
    ) -> None:
        minute = event.at.replace(second=0, microsecond=0)
        measured = self.draft.measured.setdefault((event.endpoint_name, request.variant, minute), Measured())
        measured.invocations += invocations
        measured.conversions += conversions
        measured.rewards += rewards

    def _known(self, key: str) -> Request:
        return self.draft.requests.get(key) or self._requests.get(key) or Request()
