"""Run a plan's instructions in order, and say what was done when one of them cannot be."""

from __future__ import annotations

from contender.endpoints import Action, Executor, MarkVersion, Overtaken, Refused
from contender.registry import Status
from contender.rollout.plan import Plan, mark


def execute(executor: Executor, step: Plan) -> tuple[list[Action], bool]:
    """Run a plan's actions in order; what was done, and whether that was all of them.

    A refusal is the failure of the version it was about. When somebody else was faster, the version waits again
    and the next reading decides.
    """
    done: list[Action] = []
    for action in step.actions:
        try:
            executor.run(action)
        except Refused as error:
            if step.subject is None:
                raise
            after = mark(step.subject, step.subject.role, Status.FAILED, str(error))
        except Overtaken:
            if step.subject is None or isinstance(action, MarkVersion):
                return done, False
            after = mark(step.subject, step.subject.role, Status.PENDING, "waits for the endpoint's current change")
        else:
            done.append(action)
            continue
        executor.run(after)
        return [*done, after], False
    return done, True
