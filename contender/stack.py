"""One CloudFormation stack: propose a change set and execute it, or delete the stack, and wait for what comes of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from contender.errors import DeploymentError, NotFoundError

_CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
_ONLY_PROPOSED = "REVIEW_IN_PROGRESS"
_USELESS = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
_DONE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
_FAILED = frozenset({"CREATE_FAILED", "UPDATE_FAILED", "IMPORT_FAILED", "DELETE_FAILED"})
_STACK_TYPE = "AWS::CloudFormation::Stack"
_LONGEST_PAUSE_S = 5.0
_PATIENCE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource. `replacement` is True, False or Conditional, as CloudFormation says."""

    action: str
    resource: str
    type: str
    replacement: str


class Stack:
    """The calls to CloudFormation about one stack."""

    def __init__(
        self, cloudformation: Any, name: str, sleep: Callable[[float], None] = time.sleep, role: str = ""
    ) -> None:
        self.name = name
        self._cloudformation = cloudformation
        self._sleep = sleep
        self._role = {"RoleARN": role} if role else {}

    def describe(self) -> Mapping[str, Any] | None:
        """The stack as it is; None if it is not there, or was proposed only."""
        description = _describe(self._cloudformation, self.name)
        return None if description is None or description["StackStatus"] == _ONLY_PROPOSED else description

    def make_way(self, say: Callable[[str], None], *, dry_run: bool) -> bool:
        """Whether the stack is to be created: it is not there, or what is there could never be updated."""
        status = self._status()
        if status is None or status == _ONLY_PROPOSED:
            return True
        if status.endswith("_IN_PROGRESS"):
            raise DeploymentError(f"stack {self.name} is {status}: wait until that is over, then deploy again")
        if status not in _USELESS:
            return False
        if dry_run:
            raise DeploymentError(f"stack {self.name} is {status}: deploying deletes what is left of it first")
        say(f"stack {self.name} is {status}: deleting what is left of it")
        self.delete()
        return True

    def propose(self, kind: str, request: Mapping[str, Any]) -> str | None:
        """Create a change set of this kind (CREATE, UPDATE, IMPORT) and wait for it; its ARN, or None for no change."""
        try:
            change_set = str(
                self._cloudformation.create_change_set(
                    StackName=self.name,
                    ChangeSetName=f"contender-{uuid.uuid4()}",
                    ChangeSetType=kind,
                    Capabilities=_CAPABILITIES,
                    **self._role,
                    **request,
                )["Id"]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            raise DeploymentError(f"stack {self.name}: {error.response['Error']['Message']}") from error
        self._settled(lambda: self._proposal(change_set)["Status"])
        proposal = self._proposal(change_set)
        if proposal["Status"] == "CREATE_COMPLETE" and proposal.get("Changes"):
            return change_set
        self.discard(change_set, is_new=kind != "UPDATE")
        if proposal["Status"] == "CREATE_COMPLETE" or _says_nothing_changes(proposal.get("StatusReason", "")):
            return None
        raise DeploymentError(f"stack {self.name} cannot be changed: {proposal.get('StatusReason', 'no reason given')}")

    def changes(self, change_set: str) -> Iterator[Change]:
        for page in self._cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=change_set):
            for each in (entry["ResourceChange"] for entry in page["Changes"]):
                replacement = each.get("Replacement", "False")
                yield Change(each["Action"], each["LogicalResourceId"], each["ResourceType"], replacement)

    def discard(self, change_set: str, *, is_new: bool) -> None:
        """Delete a change set, and the empty stack that proposing the first one leaves behind."""
        self._cloudformation.delete_change_set(ChangeSetName=change_set)
        if is_new:
            self._cloudformation.delete_stack(StackName=self.name)

    def execute(self, change_set: str) -> None:
        """Make the changes and wait; DeploymentError with the first causes if they were rolled back."""
        last = self._newest_event()
        self._cloudformation.execute_change_set(ChangeSetName=change_set)
        status = self._settled(self._status, started=lambda: self._newest_event() != last)
        if status not in _DONE:
            reasons = "; ".join(self._failures(after=last)) or "CloudFormation gave no reason"
            raise DeploymentError(f"stack {self.name} is {status}: {reasons}")

    def delete(self) -> None:
        """Delete the stack and wait; DeploymentError with the causes if something in it refuses to go."""
        self._cloudformation.delete_stack(StackName=self.name)
        if left := self._settled(self._status):
            raise DeploymentError(f"stack {self.name} is {left}: {'; '.join(self._failures()) or 'delete it by hand'}")

    def _status(self) -> str | None:
        description = _describe(self._cloudformation, self.name)
        return None if description is None else str(description["StackStatus"])

    def _proposal(self, change_set: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._cloudformation.describe_change_set(ChangeSetName=change_set)
        return answer

    def _settled(self, read: Callable[[], str | None], started: Callable[[], bool] = lambda: True) -> str | None:
        """The status once nothing is under way, looked at less and less often."""
        pause_s, waited_s = 0.1, 0.0
        while True:
            status = read()
            under_way = status is not None and status.endswith(("_IN_PROGRESS", "_PENDING"))
            if not under_way and started():
                return status
            if waited_s > _PATIENCE_S:
                raise DeploymentError(f"stack {self.name} is still {status} after {_PATIENCE_S / 60:.0f} minutes")
            self._sleep(pause_s)
            waited_s += pause_s
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)

    def _newest_event(self) -> str:
        return str(next(self._events(), {"EventId": ""})["EventId"])

    def _events(self) -> Iterator[Mapping[str, Any]]:
        """The stack's events, the newest first."""
        for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.name):
            yield from page["StackEvents"]

    def _failures(self, after: str = "") -> list[str]:
        """Why resources failed, the first cause first, without those that were cancelled because of it."""
        reasons: list[str] = []
        for event in self._events():
            if event["EventId"] == after:
                break
            reason = event.get("ResourceStatusReason", "no reason given")
            if event["ResourceStatus"] in _FAILED and "cancel" not in reason and event["ResourceType"] != _STACK_TYPE:
                reasons.append(f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}")
        return reasons[::-1]


def stack_outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    """The stack's outputs by name. NotFoundError if it is not deployed."""
    description = Stack(cloudformation, stack).describe()
    if description is None:
        raise NotFoundError(f"stack {stack!r} does not exist: deploy it with `contender deploy`")
    return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}


def _says_nothing_changes(reason: str) -> bool:
    """CloudFormation has no code for an empty change set, only these two sentences."""
    return "didn't contain changes" in reason or "No updates are to be performed" in reason


def _describe(cloudformation: Any, stack: str) -> Mapping[str, Any] | None:
    try:
        stacks = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return None
    return next((each for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"), None)
