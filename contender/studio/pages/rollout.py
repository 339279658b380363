"""A dimension's rollout: who serves and who challenges, what was decided and why, and what the experiment shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from contender.naming import variant_name
from contender.registry import WAITS, Status
from contender.rollout.decision import Entry
from contender.rollout.shares import describe
from contender.rollout.state import Phase, Track
from contender.studio.actions import rollouts
from contender.studio.desk import Desk
from contender.studio.gaps import Gaps
from contender.studio.pages.rollout_question import Asked, ask
from contender.studio.query import whole
from contender.studio.reading.questions import chosen, questions
from contender.studio.reading.rollouts import Rollout, rollout
from contender.studio.rendering import render
from contender.studio.views import rollout_charts
from contender.studio.views.outlook import Progress, headline, outlook, progress

CHANGING_S, UNDER_WAY_S, QUIET_S = 2, 5, 15
TOLD = 50
"""Decisions of the timeline on one page."""
CHANGING = frozenset({Phase.PROMOTING, Phase.ROLLING_BACK})


@dataclass(frozen=True, slots=True)
class Challenger:
    """One under way: its share as decided and as served, when its reason was told, what comes next, how far it is."""

    track: Track
    share: float
    live: float | None
    decided: datetime
    outlook: tuple[str, ...]
    progress: tuple[Progress, ...]


def page(desk: Desk, request: Request) -> Response:
    dimension, query = request.path_params["dimension"], request.query_params
    before = whole(query.get("before", ""))
    gaps = Gaps()
    found = rollout(desk, dimension, gaps, before)
    now, state, spec = desk.clock(), found.state, found.spec
    asked = questions(None if before else state, found.entries)
    question = chosen(asked, state, whole(query.get("experiment", "")), whole(query.get("version", "")))
    shown = None
    if question and spec:
        asking = partial(ask, desk, found, question, spec)
        shown = gaps.fill("What was counted", None, asking)
    acting = request.app.state.access.allow_actions
    rehearsed = rollouts.rehearsed(desk, found, query) if acting else None
    told = found.entries[:TOLD]
    order = rollout_charts.variants(state, found.entries)
    return render(
        request,
        "rollout.html",
        desk=desk,
        every_s=0 if rehearsed or before else _every(found),
        dimension=dimension,
        state_now=state,
        spec=spec,
        serving=found.serving,
        live=found.live,
        versions=found.versions,
        waiting=[each.number for each in found.versions if each.status is Status.PENDING and each.approval == WAITS],
        challengers=_challengers(found, shown, now),
        last=state.tracks[-1] if state and state.tracks else None,
        pins=spec.pins(dimension) if spec else None,
        questions=asked,
        shown=shown,
        shares=[(variant_name(version), share) for version, share in sorted(state.shares.items())] if state else [],
        colours={name: place for place, name in enumerate(order)},
        share_chart=rollout_charts.shares(found.entries, now, order),
        told=told,
        older=told[-1].revision if told and told[-1].revision > 1 else None,
        before=before,
        offers=rollouts.offers(found),
        rehearsed=rehearsed,
        gaps=gaps.sentences,
        headline=headline,
        in_words=describe,
    )


def _every(found: Rollout) -> int:
    active = found.state.active if found.state else ()
    if found.busy or any(track.phase in CHANGING or track.step == 0 for track in active):
        return CHANGING_S
    return UNDER_WAY_S if active else QUIET_S


def _challengers(found: Rollout, shown: Asked | None, now: datetime) -> list[Challenger]:
    """Who is under way, the newest first; how far, as the experiment that is shown has it, if it is theirs."""
    state, spec = found.state, found.spec
    if state is None or spec is None:
        return []
    evidence = shown.counted.evidence if shown and shown.under_way else None
    return [
        Challenger(
            track,
            state.shares.get(track.version, 0.0),
            found.live.get(track.version),
            _decided(found.entries, track),
            outlook(spec, state, track, now),
            progress(spec, state, track, evidence, now) if evidence is not None else (),
        )
        for track in reversed(state.active)
    ]


def _decided(entries: Sequence[Entry], track: Track) -> datetime:
    """When its reason was first told: a decision is recorded where something changes, not whenever it is made."""
    told = track.since
    for entry in entries:
        then = entry.decision.state.track(track.version)
        if then is None or then.reason != track.reason:
            break
        told = entry.at
    return told
