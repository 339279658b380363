"""The service `context.monitoring`: starts executions when schedules are due, and follows them to their end.

A schedule's document says when it is due next, so a server that starts again goes on where it was. What was due while
nothing ran is made up for as late as AWS itself may start; what was missed longer ago is left out.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from datetime import datetime, timedelta

from contender.local.api.errors import ApiError
from contender.local.context import Context
from contender.local.jobs.kinds import PROCESSING, TERMINAL
from contender.local.jobs.runner import INTERRUPTED
from contender.local.monitoring import executions, run, work
from contender.local.monitoring.job_requests import Execution
from contender.local.monitoring.kinds import MERGE_JOBS, SCHEDULES
from contender.local.monitoring.window import Timing
from contender.local.monitoring.work import Work
from contender.local.store import AlreadyExists, Document, Filter

logger = logging.getLogger(__name__)

SETTLE = timedelta(seconds=5)
"""How long after the hour its captured requests may still be on their way to S3."""
LATEST = timedelta(minutes=20)
"""AWS starts an execution up to so long after its time."""
LONGEST_SLEEP_S = 60.0
"""A laptop that slept does not count the time it slept: the clock on the wall is asked again."""
CLOSE_S = 5.0


class Monitoring:
    """One thread that waits for what is due next, and one for each execution."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._changed = threading.Condition()
        self._looking = False
        self._closing = threading.Event()
        self._running: dict[str, threading.Thread] = {}
        self._clock = threading.Thread(target=self._watch, name="monitoring", daemon=True)

    def recover(self) -> None:
        """After a start, once jobs are put right: executions that the last stop interrupted end as their jobs did."""
        for number, body in executions.unfinished(self._context):
            arn = body.get("ProcessingJobArn", "")
            job = self._context.store.find(PROCESSING.kind, arn.rpartition("/")[2]) if arn else None
            status, reason = run.ended(job) if job and _is_last(job) else ("Failed", INTERRUPTED)
            executions.end(self._context, number, status, reason)

    def open(self) -> None:
        """Begin to look at the clock."""
        self._clock.start()

    def close(self) -> None:
        """Start nothing more; called before the jobs end, which end the executions' threads."""
        self._closing.set()
        self.look()
        if self._clock.is_alive():
            self._clock.join(CLOSE_S)

    def look(self) -> None:
        """A schedule changed: see what is due."""
        with self._changed:
            self._looking = True
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Wait until no execution runs; False if it takes longer."""
        for thread in list(self._running.values()):
            thread.join(timeout_s)
        return not self._running

    def run_due(self) -> datetime | None:
        """Start what is due, and answer when something will be."""
        due = [
            following
            for schedule in self._context.store.page(SCHEDULES, Filter(status="Scheduled"))
            if "_due" in schedule and (following := self._run_if_due(schedule))
        ]
        return min(due, default=None)

    def _run_if_due(self, schedule: Document) -> datetime | None:
        """When to look at the schedule again."""
        name, now = schedule["MonitoringScheduleName"], self._context.clock()
        try:
            config = schedule["MonitoringScheduleConfig"]
            job = work.of_schedule(self._context.store, config)
            timing = Timing.of(config.get("ScheduleConfig", {}), job.source)
        except ApiError as error:
            logger.error("schedule %s cannot run: %s", name, error)
            return None
        scheduled: datetime = schedule["_due"]
        if timing.recurrence is None:
            self._start(schedule, job, timing, scheduled, None)
            return None
        if now < scheduled + SETTLE:
            return scheduled + SETTLE
        scheduled = timing.recurrence.before(now - SETTLE + timedelta(microseconds=1))
        following = timing.recurrence.after(scheduled)
        if now - scheduled > LATEST:
            logger.info("schedule %s: nothing ran at %s, it is left out", name, scheduled)
            with self._context.store.transaction():
                self._take(schedule, following)
        else:
            self._start(schedule, job, timing, scheduled, following)
        return following + SETTLE

    def _start(
        self, schedule: Document, job: Work, timing: Timing, scheduled: datetime, following: datetime | None
    ) -> None:
        identity = f"{schedule['MonitoringScheduleArn']} {schedule['CreationTime']} {scheduled}"
        number = hashlib.sha256(identity.encode()).hexdigest()[:24]
        with self._context.store.transaction():
            if not self._take(schedule, following):
                return
            try:
                executions.insert(self._context, number, schedule, scheduled)
            except AlreadyExists:  # the clock on the wall was turned back
                return
        execution = Execution(schedule["MonitoringScheduleName"], scheduled, number, timing.window(scheduled))
        thread = threading.Thread(
            target=self._execute, args=(number, job, execution), name=f"monitoring/{number}", daemon=True
        )
        self._running[number] = thread
        thread.start()

    def _take(self, schedule: Document, following: datetime | None) -> bool:
        """Move the schedule on, inside a transaction; not if it changed meanwhile: the next look decides then."""
        name, store = schedule["MonitoringScheduleName"], self._context.store
        current = store.find(SCHEDULES, name)
        if current != schedule or self._closing.is_set():
            return False
        store.update(SCHEDULES, name, {"_due": following}, now=schedule["LastModifiedTime"])
        return True

    def _execute(self, number: str, job: Work, execution: Execution) -> None:
        try:
            status, reason = run.run(self._context, job, execution, lambda name: self._follow(number, name))
            if not self._closing.is_set():
                executions.end(self._context, number, status, reason)
        except _Closing:
            logger.info("execution %s of schedule %s is interrupted", number, execution.schedule)
        except Exception as error:
            if not self._closing.is_set():
                logger.exception("execution %s of schedule %s", number, execution.schedule)
                reason = f"InternalServerError: {type(error).__name__}: {error}"
                executions.end(self._context, number, "Failed", reason)
        finally:
            self._running.pop(number, None)

    def _follow(self, number: str, name: str) -> Document:
        """Keep the execution's status as its job's until the job is over."""
        context = self._context
        executions.change(context, number, "InProgress", ProcessingJobArn=context.arn(f"{PROCESSING.kind}/{name}"))
        stopping = False
        while True:
            version = context.jobs.version
            if self._closing.is_set():
                raise _Closing
            body = context.store.get(PROCESSING.kind, name)
            status = body["ProcessingJobStatus"]
            if status in TERMINAL:
                return body
            if status == "Stopping" and not stopping:
                stopping = True
                executions.change(context, number, status)
            context.jobs.wait_for_change(version, None)

    def _watch(self) -> None:
        while not self._closing.is_set():
            with self._changed:
                self._looking = False
            try:
                following = self.run_due()
            except Exception:  # the thread must live as long as the server
                logger.exception("what is due could not be started")
                following = None
            sleep_s = LONGEST_SLEEP_S
            if following is not None:
                sleep_s = min(sleep_s, max(0.0, (following - self._context.clock()).total_seconds()))
            with self._changed:
                self._changed.wait_for(lambda: self._looking or self._closing.is_set(), sleep_s)


class _Closing(Exception):
    """The server ends: the next start says how the execution ended."""


def _is_last(job: Document) -> bool:
    """Whether nothing would have come after this job: a merge that completed is not the end."""
    return not (job["ProcessingJobName"].startswith(f"{MERGE_JOBS}-") and job["ProcessingJobStatus"] == "Completed")
