"""Deploy the stack: Lambda code into a bucket under the name of its content, then a CloudFormation change set.

    package ─► code bucket ─► change set ─┬─ nothing to change: say so
                                          ├─ dry run: show it, delete it
                                          └─ execute ─► outputs, or the resources that failed and why

The same code and the same parameters make no change, so it may run after every commit.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from contender.errors import DeploymentError, NotFoundError, SettingsError
from contender.lambda_code import package
from contender.naming import Names

PARAMETERS_VARIABLE = "CONTENDER_STACK_PARAMETERS"
ROLE_VARIABLE = "CONTENDER_STACK_ROLE"

_CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
_ONLY_PROPOSED = "REVIEW_IN_PROGRESS"
_USELESS = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
_DONE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_FAILED = frozenset({"CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED"})
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


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was done: `action` is created, updated, unchanged, or planned (a dry run)."""

    action: str
    stack: str
    changes: tuple[Change, ...]
    code: str
    outputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where to deploy: the boto3 clients it takes, how to wait, and the role CloudFormation works as, if not ours."""

    cloudformation: Any
    s3: Any
    account: str
    region: str
    sleep: Callable[[float], None] = field(default=time.sleep)
    stack_role: str = ""


def parse_parameters(pairs: Iterable[str]) -> dict[str, str]:
    """Each of the form `Name=value`; blank ones do not count. SettingsError for anything else."""
    parameters: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in pairs)):
        name, equals, value = pair.partition("=")
        if not equals or not name.isalnum():
            raise SettingsError(f"stack parameter {pair!r} is not of the form Name=value")
        parameters[name] = value
    return parameters


def deploy(
    cloud: Cloud,
    names: Names,
    template: Path,
    parameters: Mapping[str, str],
    *,
    root: Path,
    stack: str = "",
    dry_run: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Deployment:
    """Bring a stack to `template` with `parameters` and the code under `root`; DeploymentError says what failed.

    It is the project's core unless `stack` names another.
    """
    name = stack or names.stack("core")
    formation = _Stack(cloud, name)
    code = package(root)
    bucket = names.bucket("code", cloud.account, cloud.region)
    wanted = {**parameters, "Project": names.project}
    if "CodeKey" in _read(template):
        wanted |= {"CodeBucket": bucket, "CodeKey": code.key}
    is_new = formation.make_way(say, dry_run=dry_run)
    if not dry_run:
        _store(cloud, bucket, code.key, code.body)
    change_set = formation.propose(template, wanted, is_new=is_new)
    if change_set is None:
        return Deployment("unchanged", name, (), code.key, stack_outputs(cloud.cloudformation, name))
    changes = tuple(formation.changes(change_set))
    if dry_run:
        formation.discard(change_set, is_new=is_new)
        return Deployment("planned", name, changes, code.key, {})
    for change in changes:
        say(f"{change.action.lower()} {change.resource} ({change.type})")
    formation.execute(change_set)
    outputs = stack_outputs(cloud.cloudformation, name)
    return Deployment("created" if is_new else "updated", name, changes, code.key, outputs)


def declared_parameters(cloud: Cloud, template: Path) -> frozenset[str]:
    """Names of the parameters that a template has."""
    return _declared(cloud.cloudformation, _read(template))


def stack_outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    """The stack's outputs by name. NotFoundError if it is not deployed."""
    description = _describe(cloudformation, stack)
    if description is None or description["StackStatus"] == _ONLY_PROPOSED:
        raise NotFoundError(f"stack {stack!r} does not exist: deploy it with `contender deploy`")
    return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}


class _Stack:
    """The calls to CloudFormation about one stack."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self._cloudformation = cloud.cloudformation
        self._sleep = cloud.sleep
        self._role = {"RoleARN": cloud.stack_role} if cloud.stack_role else {}
        self._name = name

    def make_way(self, say: Callable[[str], None], *, dry_run: bool) -> bool:
        """Whether the stack is to be created: it is not there, or what is there could never be updated."""
        status = self._status()
        if status is None or status == _ONLY_PROPOSED:
            return True
        if status.endswith("_IN_PROGRESS"):
            raise DeploymentError(f"stack {self._name} is {status}: wait until that is over, then deploy again")
        if status not in _USELESS:
            return False
        if dry_run:
            raise DeploymentError(f"stack {self._name} is {status}: deploying deletes what is left of it first")
        say(f"stack {self._name} is {status}: deleting what is left of it")
        self._cloudformation.delete_stack(StackName=self._name)
        if left := self._settled(self._status):
            raise DeploymentError(f"stack {self._name} is {left}: {'; '.join(self._failures()) or 'delete it by hand'}")
        return True

    def propose(self, template: Path, parameters: Mapping[str, str], *, is_new: bool) -> str | None:
        """Create a change set and wait for it; its ARN, or None if it would change nothing."""
        body = _read(template)
        try:
            self._check(body, template, parameters)
            change_set = str(
                self._cloudformation.create_change_set(
                    StackName=self._name,
                    ChangeSetName=f"contender-{uuid.uuid4()}",
                    ChangeSetType="CREATE" if is_new else "UPDATE",
                    TemplateBody=body,
                    Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(parameters.items())],
                    Capabilities=_CAPABILITIES,
                    **self._role,
                )["Id"]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            raise DeploymentError(f"stack {self._name}: {error.response['Error']['Message']}") from error
        self._settled(lambda: self._proposal(change_set)["Status"])
        proposal = self._proposal(change_set)
        if proposal["Status"] == "CREATE_COMPLETE" and proposal.get("Changes"):
            return change_set
        self.discard(change_set, is_new=is_new)
        if proposal["Status"] == "CREATE_COMPLETE" or _says_nothing_changes(proposal.get("StatusReason", "")):
            return None
        raise DeploymentError(
            f"stack {self._name} cannot be changed: {proposal.get('StatusReason', 'no reason given')}"
        )

    def changes(self, change_set: str) -> Iterator[Change]:
        for page in self._cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=change_set):
            for each in (entry["ResourceChange"] for entry in page["Changes"]):
                replacement = each.get("Replacement", "False")
                yield Change(each["Action"], each["LogicalResourceId"], each["ResourceType"], replacement)

    def discard(self, change_set: str, *, is_new: bool) -> None:
        """Delete a change set, and the empty stack that proposing the first one leaves behind."""
        self._cloudformation.delete_change_set(ChangeSetName=change_set)
        if is_new:
            self._cloudformation.delete_stack(StackName=self._name)

    def execute(self, change_set: str) -> None:
        """Make the changes and wait; DeploymentError with the first causes if they were rolled back."""
        last = self._newest_event()
        self._cloudformation.execute_change_set(ChangeSetName=change_set)
        status = self._settled(self._status, started=lambda: self._newest_event() != last)
        if status not in _DONE:
            reasons = "; ".join(self._failures(after=last)) or "CloudFormation gave no reason"
            raise DeploymentError(f"stack {self._name} is {status}: {reasons}")

    def _check(self, body: str, template: Path, parameters: Mapping[str, str]) -> None:
        known = sorted(_declared(self._cloudformation, body))
        if unknown := sorted(set(parameters) - set(known)):
            raise SettingsError(f"stack parameter {unknown[0]!r} is not in {template}; known: {', '.join(known)}")

    def _status(self) -> str | None:
        description = _describe(self._cloudformation, self._name)
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
                raise DeploymentError(f"stack {self._name} is still {status} after {_PATIENCE_S / 60:.0f} minutes")
            self._sleep(pause_s)
            waited_s += pause_s
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)

    def _newest_event(self) -> str:
        return str(next(self._events(), {"EventId": ""})["EventId"])

    def _events(self) -> Iterator[Mapping[str, Any]]:
        """The stack's events, the newest first."""
        for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=self._name):
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


def _read(template: Path) -> str:
    try:
        return template.read_text(encoding="utf-8")
    except OSError as error:
        raise DeploymentError(f"template {template} cannot be read: {error.strerror}") from error


def _declared(cloudformation: Any, body: str) -> frozenset[str]:
    declared = cloudformation.validate_template(TemplateBody=body)["Parameters"]
    return frozenset(each["ParameterKey"] for each in declared)


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


def _store(cloud: Cloud, bucket: str, key: str, code: bytes) -> None:
    """Put the code where CloudFormation finds it; the bucket is made if absent, private and for TLS only.

    Its name can be guessed: whoever made it before us, in an account of theirs, would change what our Lambdas run.
    """
    ours = {"Bucket": bucket, "ExpectedBucketOwner": cloud.account}
    try:
        cloud.s3.head_bucket(**ours)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            code_word = error.response["Error"]["Code"]
            raise DeploymentError(
                f"bucket {bucket} is not ours to use ({code_word}): choose another project"
            ) from error
        _create_bucket(cloud, bucket)
    if not cloud.s3.list_objects_v2(**ours, Prefix=key).get("Contents"):
        cloud.s3.put_object(**ours, Key=key, Body=code, ContentType="application/zip")


def _create_bucket(cloud: Cloud, bucket: str) -> None:
    elsewhere = {} if cloud.region == "us-east-1" else {"LocationConstraint": cloud.region}
    cloud.s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": elsewhere} if elsewhere else {}))
    blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    cloud.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(blocks, True))
    arn = f"arn:{cloud.s3.meta.partition}:s3:::{bucket}"
    only_over_tls = {
        "Sid": "OnlyOverTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    cloud.s3.put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [only_over_tls]})
    )
