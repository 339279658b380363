"""Requests with the shares they were assigned by and what they earned, joined from events in any order.

What no experiment may judge is left out and counted: requests that a person or the endpoint's weights sent to a
variant, and requests without a usable propensity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from contender.experiments.off_policy import Logged
from contender.measurements.events import MANUAL, REWARD_DIGITS, Conversion, Event, Invocation


class Log:
    """Gathers an endpoint's events, however often each was delivered.

    endpoint: whose events; all where None. experiment: only requests of this one. reward: the conversions' name.
    left_out counts by reason: repeated, other_endpoint, other_experiment, by_hand, by_weights, no_propensity.
    """

    def __init__(self, endpoint: str | None = None, experiment: str | None = None, reward: str = "reward") -> None:
        self._endpoint, self._experiment, self._reward = endpoint, experiment, reward
        self._seen: set[str] = set()
        self._asked: dict[tuple[str, str], tuple[datetime, Logged]] = {}
        self._earned: Counter[tuple[str, str]] = Counter()
        self.left_out: Counter[str] = Counter()

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.event_id in self._seen:
                self.left_out["repeated"] += 1
                continue
            self._seen.add(event.event_id)
            if self._endpoint is not None and event.endpoint_name != self._endpoint:
                self.left_out["other_endpoint"] += 1
            elif isinstance(event, Invocation):
                self._ask(event)
            elif event.name == self._reward:
                self._earn(event)

    @property
    def orphans(self) -> int:
        """Requests that earned something, and are not among those that count."""
        return sum(key not in self._asked for key in self._earned)

    def requests(self) -> list[Logged]:
        """The requests that count, oldest first, each with the sum of its rewards."""
        ordered = sorted(self._asked.items(), key=lambda item: (item[1][0], item[0]))
        return [
            Logged(each.user, each.variant, each.propensity, each.shares, self._earned[key] / 10**REWARD_DIGITS)
            for key, (_, each) in ordered
        ]

    def _ask(self, event: Invocation) -> None:
        key = (event.endpoint_name, event.inference_id)
        reason = self._reason(event)
        if reason is None and key in self._asked:
            reason = "repeated"
        if reason is not None:
            self.left_out[reason] += 1
            return
        variant = event.variant or ""
        logged = Logged(event.user_id, variant, event.propensity or 0.0, event.shares or {}, 0.0)
        self._asked[key] = (event.at, logged)

    def _reason(self, event: Invocation) -> str | None:
        if not event.judged:
            return "by_hand" if event.strategy == MANUAL else "by_weights"
        if self._experiment is not None and event.experiment != self._experiment:
            return "other_experiment"
        if not event.propensity or not event.shares or event.variant not in event.shares:
            return "no_propensity"
        return None

    def _earn(self, event: Conversion) -> None:
        # Whole millionths, as everywhere else: the order in which they come must not change the sum.
        self._earned[event.endpoint_name, event.inference_id] += int(event.reward.scaleb(REWARD_DIGITS))
