"""From one state of an endpoint to the next, in the background, and across a crash of the server.

An endpoint's document says what serves (`deployed`) and, while it changes, what is to serve (`pending`). Both are
written before anything happens, so after a `kill -9` the old variants come up first and the change is made again:
it ends in the new state or in the old one, never between.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from contender.local.context import Context
from contender.local.jobs.files import FilesError
from contender.local.resources import tags
from contender.local.serving.plans import VariantFailed, VariantPlan, make_plan, prune_models, unpack_model
from contender.local.store import Document, Missing

logger = logging.getLogger(__name__)

KIND = "endpoint"
CHANGING = ("Creating", "Updating", "Deleting")
DETAIL_TYPE = "SageMaker Endpoint State Change"
EVENT_STATUS = {
    "Creating": "CREATING",
    "Updating": "UPDATING",
    "InService": "IN_SERVICE",
    "Failed": "FAILED",
    "Deleting": "DELETING",
}
"""An event spells the status otherwise than DescribeEndpoint does."""
PARALLEL_RESTORES = 4
RESTORE_S = 30.0
CLOSE_S = 5.0


def change_status(context: Context, name: str, status: str, **changes: Any) -> Document:
    """Write a new status with the fields that come with it (None removes one), and tell EventBridge."""
    now = context.clock()
    with context.store.transaction():
        endpoint = context.store.update(
            KIND, name, {**changes, "EndpointStatus": status, "LastModifiedTime": now}, now=now, status=status
        )
    publish(context, endpoint)
    return endpoint


def publish(context: Context, endpoint: Document) -> None:
    arn = endpoint["EndpointArn"]
    detail = {
        "EndpointName": endpoint["EndpointName"],
        "EndpointArn": arn,
        "EndpointConfigName": endpoint["EndpointConfigName"],
        "ProductionVariants": [
            {"VariantName": plan["name"], "DesiredWeight": plan["weight"], "DesiredInstanceCount": plan["instances"]}
            for plan in endpoint.get("deployed", [])
        ],
        "EndpointStatus": EVENT_STATUS[endpoint["EndpointStatus"]],
        "CreationTime": _milliseconds(endpoint, "CreationTime"),
        "LastModifiedTime": _milliseconds(endpoint, "LastModifiedTime"),
        "Tags": tags.of(context, arn),
    }
    if reason := endpoint.get("FailureReason"):
        detail["FailureReason"] = reason
    context.publish(DETAIL_TYPE, [arn], detail)


class Deployments:
    """The threads in which endpoints change."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._closing = threading.Event()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._changed = threading.Condition()

    def start(self, name: str) -> None:
        """Take the endpoint, whose document says where it goes, there."""
        thread = threading.Thread(target=self._run, args=(name,), name=f"endpoint/{name}", daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def wait(self, name: str) -> Document:
        """Block until the endpoint is not changing, and answer its document. Raises Missing once it is deleted."""

        def settled() -> bool:
            return self._context.store.get(KIND, name)["EndpointStatus"] not in CHANGING

        with self._changed:
            self._changed.wait_for(settled)
        return self._context.store.get(KIND, name)

    def recover(self, then: Callable[[], None]) -> None:
        """Restore everything that was in service and call `then`; after that, finish what was under way."""
        endpoints = self._context.store.page(KIND)
        prune_models(self._context, {plan["model_dir"] for each in endpoints for plan in each.get("deployed", [])})
        thread = threading.Thread(target=self._recover, args=(endpoints, then), name="endpoints-recovery", daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def close(self) -> None:
        self._closing.set()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(CLOSE_S)

    def _recover(self, endpoints: Sequence[Document], then: Callable[[], None]) -> None:
        opener = threading.Timer(RESTORE_S, then)  # a model that takes minutes to load must not hold up the others
        opener.daemon = True
        opener.start()
        with ThreadPoolExecutor(PARALLEL_RESTORES, thread_name_prefix="restore") as pool:
            list(pool.map(self._restore, endpoints))
        opener.cancel()
        then()
        for endpoint in endpoints:
            if endpoint["EndpointStatus"] in CHANGING and not self._closing.is_set():
                self.start(endpoint["EndpointName"])

    def _restore(self, endpoint: Document) -> None:
        name = endpoint["EndpointName"]
        if not endpoint.get("deployed") or endpoint["EndpointStatus"] == "Deleting" or self._closing.is_set():
            return
        try:
            plans = [self._with_files(VariantPlan.from_document(plan)) for plan in endpoint["deployed"]]
            self._context.serving.apply(name, plans, capture=_active(endpoint.get("capture")), despite_failures=True)
        except Exception:
            if not self._closing.is_set():
                logger.exception("endpoint %s does not serve again", name)

    def _with_files(self, plan: VariantPlan) -> VariantPlan:
        try:
            return replace(plan, model_dir=str(unpack_model(self._context, plan.source, plan.model_dir)))
        except FilesError as error:
            logger.error("variant %s: its model's files are gone: %s", plan.name, error)
            return plan

    def _run(self, name: str) -> None:
        try:
            self._change(name)
        except Missing:
            logger.info("endpoint %s was deleted meanwhile", name)
        except Exception as error:
            if self._closing.is_set():
                return  # the document says what was under way; the next start takes it up
            logger.exception("the change of endpoint %s failed", name)
            self._fail(name, f"An internal error of local SageMaker: {type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())
            with self._changed:
                self._changed.notify_all()

    def _change(self, name: str) -> None:
        context = self._context
        endpoint = context.store.get(KIND, name)
        if endpoint["EndpointStatus"] == "Deleting":
            context.serving.remove(name)
            with context.store.transaction():
                context.store.delete(KIND, name)
                tags.forget(context, endpoint["EndpointArn"])
            return
        try:
            plans = self._plans(endpoint)
            capture = (
                endpoint.get("capture") if endpoint["pending"]["only_capacity"] else endpoint["pending"]["capture"]
            )
            context.serving.apply(name, plans, capture=_active(capture))
        except VariantFailed as failure:
            self._fail(name, failure.reason)
            return
        change_status(
            context,
            name,
            "InService",
            EndpointConfigName=endpoint["pending"]["EndpointConfigName"],
            deployed=[plan.to_document() for plan in plans],
            capture=capture,
            pending=None,
        )

    def _plans(self, endpoint: Document) -> Sequence[VariantPlan]:
        """What is to serve. Raises VariantFailed."""
        current = {plan["name"]: VariantPlan.from_document(plan) for plan in endpoint.get("deployed", [])}
        pending = endpoint["pending"]
        plans: list[VariantPlan] = []
        for variant in pending["variants"]:
            share = {"weight": variant["DesiredWeight"], "instances": variant["DesiredInstanceCount"]}
            if pending["only_capacity"]:
                plans.append(current[variant["VariantName"]].with_share(**share))
            else:
                plans.append(make_plan(self._context, variant, **share))
        return plans

    def _fail(self, name: str, reason: str) -> None:
        """Creation failed, or an update: then the endpoint is in service on what it had."""
        with self._context.store.transaction():
            endpoint = self._context.store.get(KIND, name)
            status = "InService" if endpoint.get("deployed") else "Failed"
        logger.warning("endpoint %s: %s", name, reason)
        change_status(self._context, name, status, FailureReason=reason, pending=None)


def _active(capture: Document | None) -> Document | None:
    """What is to be captured: a DataCaptureConfig is on unless it says otherwise."""
    return capture if capture is not None and capture.get("EnableCapture", True) else None


def _milliseconds(endpoint: Document, field: str) -> int:
    return int(endpoint[field].timestamp() * 1000)
