"""Which trial components belong to which trials: many to many, so each link is kept from both sides.

A link is listed as old as what it leads to, so lists sort by the time of that.
"""

from __future__ import annotations

from collections.abc import Iterator

from contender.local.context import Context
from contender.local.experiments.entities import COMPONENT, TRIAL, find
from contender.local.store import AlreadyExists, Document, Filter

COMPONENT_OF_TRIAL = "component-of-trial"
TRIAL_OF_COMPONENT = "trial-of-component"


def associate(context: Context, trial: str, component: str) -> dict[str, str]:
    """Both ARNs. To associate them again changes nothing. Raises ResourceNotFound."""
    store = context.store
    with store.transaction():
        held, holder = find(context, COMPONENT, component), find(context, TRIAL, trial)
        body = {"TrialName": holder["TrialName"], "TrialComponentName": held["TrialComponentName"]}
        try:
            store.insert(COMPONENT_OF_TRIAL, f"{trial}/{component}", body, now=held["CreationTime"], parent=trial)
            store.insert(TRIAL_OF_COMPONENT, f"{component}/{trial}", body, now=holder["CreationTime"], parent=component)
        except AlreadyExists:
            pass
    return {"TrialComponentArn": held["TrialComponentArn"], "TrialArn": holder["TrialArn"]}


def disassociate(context: Context, trial: str, component: str) -> dict[str, str]:
    """Both ARNs; a link that is not there is no error. Raises ResourceNotFound for a trial or component that is not."""
    store = context.store
    with store.transaction():
        held, holder = find(context, COMPONENT, component), find(context, TRIAL, trial)
        if store.find(COMPONENT_OF_TRIAL, f"{trial}/{component}") is not None:
            store.delete(COMPONENT_OF_TRIAL, f"{trial}/{component}")
            store.delete(TRIAL_OF_COMPONENT, f"{component}/{trial}")
    return {"TrialComponentArn": held["TrialComponentArn"], "TrialArn": holder["TrialArn"]}


def components_of(context: Context, trial: str) -> Iterator[str]:
    """Names."""
    for link in context.store.page(COMPONENT_OF_TRIAL, Filter(parent=trial)):
        yield link["TrialComponentName"]


def trials_of(context: Context, component: str) -> Iterator[Document]:
    for link in context.store.page(TRIAL_OF_COMPONENT, Filter(parent=component)):
        yield find(context, TRIAL, link["TrialName"])
