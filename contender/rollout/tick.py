"""Bring one dimension's endpoint to what the registry wants, and the registry to what really serves.

    read versions and endpoint ─► plan ─► execute ─► read again … until there is nothing to do, or AWS is busy

Deploy and finish run the same loop. It keeps nothing between two calls: whatever was done or left undone is read
back from AWS, so it may be killed anywhere, run twice, run twice at once, or be woken by late and repeated events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from contender import endpoints
from contender.naming import Names
from contender.rollout.actions import Action
from contender.rollout.execute import Executor, execute
from contender.rollout.observe import read
from contender.rollout.plan import Outcome, Plan, Policy, View, plan, plan_cleanup

MAX_PASSES = 25


@dataclass(frozen=True, slots=True)
class Result:
    """How a reconcile ended: the last plan, what the last reading showed, and all that was done on the way."""

    plan: Plan
    view: View
    done: tuple[Action, ...]


def reconcile(sagemaker: Any, executor: Executor, names: Names, dimension: str, policy: Policy) -> Result:
    """Repeat read, plan, execute until a change is under way or nothing is left to do.

    A plan that comes up twice in a row made no difference (always so in a dry run), which ends it too.
    """
    done: list[Action] = []
    previous: Plan | None = None
    for _ in range(MAX_PASSES):
        view = read(sagemaker, names, dimension)
        step = plan(view, policy)
        if step.outcome is Outcome.UNCHANGED and not step.actions and view.serving and view.serving.in_service:
            step = plan_cleanup(view, *endpoints.leftovers(sagemaker, names, dimension))
        if not step.actions or step == previous:
            break
        performed, completed = execute(executor, step)
        done += performed
        if completed and step.outcome in (Outcome.CREATED, Outcome.UPDATING):
            return Result(step, view, tuple(done))
        previous = step
    if step.actions:
        step = replace(step, outcome=Outcome.WAITING, reason=step.reason or "somebody else keeps changing the endpoint")
    return Result(step, view, tuple(done))
