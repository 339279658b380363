"""Asking a team's own Lambda functions whether a rollout may go on.

Each gets {"dimension", "stage", "endpoint", "version", "variant", "phase", "share", "when", "step"} and answers
{"ok": true} or {"ok": false, "reason": "…"}. Whatever else comes back, an exception or nothing in time is no.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from contender.naming import variant_name
from contender.registry import one_line
from contender.rollout.observation import HookOutcome, HookResult
from contender.rollout.spec import Spec
from contender.rollout.state import HookRun, State, Track

Ask = Callable[[str, Mapping[str, Any], float], tuple[HookOutcome, str]]
"""Ask a function with a payload and wait so many seconds for its answer."""

GRACE_S = 15.0
"""Whoever asked has told the ledger by then, or was killed."""


def waiting(state: State) -> tuple[Track, ...]:
    """Tracks whose hooks are to be asked."""
    return tuple(track for track in state.active if track.hook is not None)


def due(spec: Spec, state: State, now: datetime) -> bool:
    """Whether hooks were to be asked so long ago that whoever was to ask them must have been killed."""
    patience = timedelta(seconds=spec.hooks.timeout_s + GRACE_S)
    return any(track.hook is not None and now >= track.hook.asked + patience for track in state.active)


def run(ask: Ask, spec: Spec, state: State) -> tuple[HookResult, ...]:
    """Ask every function of every track that waits for one, all at the same time."""
    asked = [
        (track, run, function)
        for track in waiting(state)
        if (run := track.hook) is not None
        for function in run.functions
    ]
    if not asked:
        return ()

    def result(each: tuple[Track, HookRun, str]) -> HookResult:
        track, run, function = each
        outcome, message = ask(function, payload(spec, state, track, run), spec.hooks.timeout_s)
        return HookResult(track.version, run.step, function, outcome, message)

    with ThreadPoolExecutor(len(asked)) as pool:
        return tuple(pool.map(result, asked))


def payload(spec: Spec, state: State, track: Track, run: HookRun) -> dict[str, Any]:
    return {
        "dimension": state.dimension,
        "stage": spec.stage,
        "endpoint": state.endpoint,
        "version": track.version,
        "variant": variant_name(track.version),
        "phase": track.phase.value,
        "share": state.shares.get(track.version, 0.0),
        "when": run.when,
        "step": run.step,
    }


class LambdaHooks:
    """Asks with a Lambda client made for the time that a hook has; `connect` takes that time in seconds."""

    def __init__(self, connect: Callable[[float], Any]) -> None:
        self._connect = connect

    def __call__(self, function: str, payload: Mapping[str, Any], timeout_s: float) -> tuple[HookOutcome, str]:
        try:
            answer = self._connect(timeout_s).invoke(FunctionName=function, Payload=json.dumps(payload).encode())
            body = answer["Payload"].read()
        except ReadTimeoutError:
            return HookOutcome.TIMED_OUT, f"{function} did not answer within {timeout_s:g} s"
        except (ClientError, BotoCoreError) as error:
            hint = "; the tick may ask functions named <project>-hook-… only" if _is_denied(error) else ""
            return HookOutcome.FAILED, f"{function} could not be asked: {error}{hint}"
        return judged(function, body, answer.get("FunctionError"))


def _is_denied(error: Exception) -> bool:
    return isinstance(error, ClientError) and error.response["Error"]["Code"] == "AccessDeniedException"


def judged(function: str, body: bytes, function_error: str | None = None) -> tuple[HookOutcome, str]:
    """What a function's answer means; of a long reason as much as the registry takes, for it stands in the ledger."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if function_error:
        message = document.get("errorMessage", "") if isinstance(document, dict) else ""
        if "Task timed out" in message:
            return HookOutcome.TIMED_OUT, one_line(f"{function} used up its own time: {message}")
        return HookOutcome.FAILED, one_line(f"{function} raised an exception: {message or function_error}")
    if not isinstance(document, dict) or not isinstance(document.get("ok"), bool):
        return HookOutcome.FAILED, f'{function} did not answer {{"ok": true}} or {{"ok": false, "reason": "…"}}'
    reason = one_line(str(document.get("reason") or ""))
    if document["ok"]:
        return HookOutcome.PASSED, reason
    return HookOutcome.FAILED, reason or f"{function} said no and gave no reason"
