"""Deploy a stack: what its template needs into the code bucket, then a CloudFormation change set.

    package ─► code bucket ─► change set ─┬─ nothing to change: say so
                                          ├─ dry run: show it, delete it
                                          └─ execute ─► outputs, or the resources that failed and why

The same code and the same parameters make no change, so it may run after every commit. A stack that is created where
buckets and tables of its names are left from one before takes these over first (`contender destroy` keeps them).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contender.code_bucket import CodeBucket
from contender.errors import SettingsError
from contender.lambda_code import package
from contender.naming import Names
from contender.stack import Change, Stack, stack_outputs
from contender.templates import INLINE_BYTES, Kept, Template, read

PARAMETERS_VARIABLE = "CONTENDER_STACK_PARAMETERS"
ROLE_VARIABLE = "CONTENDER_STACK_ROLE"


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
    """Where to deploy: the boto3 clients it takes, how to wait, and the role CloudFormation works as, if not ours.

    Without `dynamodb` no table is looked for that an earlier stack of the name has left.
    """

    cloudformation: Any
    s3: Any
    account: str
    region: str
    sleep: Callable[[float], None] = field(default=time.sleep)
    dynamodb: Any = None
    stack_role: str = ""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that a template needs in the code bucket; `parameter` of the template is told its key."""

    parameter: str
    key: str
    body: bytes


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
    tags: Mapping[str, str] | None = None,
    assets: Sequence[Asset] = (),
    dry_run: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Deployment:
    """Bring a stack to `template` with `parameters` and the code under `root`; DeploymentError says what failed.

    It is the project's core unless `stack` names another. Everything in it is tagged with `project` and `tags`.
    """
    text = read(template)
    formation = Stack(cloud.cloudformation, stack or names.stack("core"), cloud.sleep, cloud.stack_role)
    bucket = CodeBucket(cloud.s3, names.bucket("code", cloud.account, cloud.region), cloud.account, cloud.region)
    code = package(root)
    needed = [each for each in (Asset("CodeKey", code.key, code.body), *assets) if each.parameter in text.parameters]
    ours = {"Project": names.project, "CodeBucket": bucket.name} | {each.parameter: each.key for each in needed}
    told = {**parameters, **{name: value for name, value in ours.items() if name in text.parameters}}
    if unknown := sorted(set(told) - text.parameters):
        known = ", ".join(sorted(text.parameters))
        raise SettingsError(f"stack parameter {unknown[0]!r} is not in {template}; known: {known}")
    is_new = formation.make_way(say, dry_run=dry_run)
    left = tuple(_left_over(cloud, text, names)) if is_new else ()
    if not dry_run:
        for asset in needed:
            bucket.put(asset.key, asset.body)
        if left:
            _take_over(formation, text, told, left, say)
            is_new = False
    request: dict[str, Any] = {
        **_body(text, bucket, dry_run=dry_run),
        "Parameters": _parameters(told),
        "Tags": [{"Key": key, "Value": value} for key, value in {**(tags or {}), "project": names.project}.items()],
    }
    if left and dry_run:
        request |= {"ImportExistingResources": True, **_inline(text.with_names(left))}
    if not set(request) & {"TemplateBody", "TemplateURL"}:
        say(f"stack {formation.name}: its template is too large to be planned before the first deployment")
        return Deployment("planned", formation.name, (), code.key, {})
    change_set = formation.propose("CREATE" if is_new else "UPDATE", request)
    if change_set is None:
        outputs = stack_outputs(cloud.cloudformation, formation.name)
        return Deployment("unchanged", formation.name, (), code.key, outputs)
    changes = tuple(formation.changes(change_set))
    if dry_run:
        formation.discard(change_set, is_new=is_new)
        return Deployment("planned", formation.name, changes, code.key, {})
    for change in changes:
        say(f"{change.action.lower()} {change.resource} ({change.type})")
    formation.execute(change_set)
    outputs = stack_outputs(cloud.cloudformation, formation.name)
    return Deployment("created" if is_new or left else "updated", formation.name, changes, code.key, outputs)


def _parameters(told: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(told.items())]


def _body(template: Template, bucket: CodeBucket, *, dry_run: bool) -> dict[str, str]:
    """How CloudFormation gets the template: in the request, or from the bucket when it is too large for that.

    A dry run makes no bucket: what is too large for a request even without its comments cannot be planned before the
    first deployment, and the answer is empty.
    """
    if len(template.body.encode()) <= INLINE_BYTES:
        return {"TemplateBody": template.body}
    if dry_run and ((inline := _inline(template.compact)) or not bucket.exists()):
        return inline
    bucket.put(template.key, template.body.encode())
    return {"TemplateURL": bucket.url(template.key)}


def _inline(body: str) -> dict[str, str]:
    return {"TemplateBody": body} if len(body.encode()) <= INLINE_BYTES else {}


def _left_over(cloud: Cloud, template: Template, names: Names) -> Iterator[Kept]:
    """What an earlier stack has left that the template would create again: CloudFormation would stumble over it."""
    for each in template.kept(name_parts(names, cloud.account, cloud.region)):
        if each.type == "AWS::S3::Bucket":
            there = CodeBucket(cloud.s3, each.name, cloud.account, cloud.region).exists()
        else:
            there = cloud.dynamodb is not None and table_exists(cloud.dynamodb, each.name)
        if there:
            yield each


def _take_over(
    formation: Stack, template: Template, told: Mapping[str, str], left: Sequence[Kept], say: Callable[[str], None]
) -> None:
    """Make a stack of what is left, which the change set that follows brings up to date and completes."""
    resources = [
        {"ResourceType": each.type, "LogicalResourceId": each.logical_id, "ResourceIdentifier": each.identifier}
        for each in left
    ]
    for each in left:
        say(f"import {each.logical_id} ({each.type}): {each.name} is there already")
    request = {
        "TemplateBody": template.bare(frozenset(each.logical_id for each in left)),
        "Parameters": _parameters(told),
        "ResourcesToImport": resources,
    }
    change_set = formation.propose("IMPORT", request)
    if change_set is not None:
        formation.execute(change_set)


def name_parts(names: Names, account: str, region: str) -> dict[str, str]:
    """What the names in a project's templates are made of."""
    return {"Project": names.project, "AWS::AccountId": account, "AWS::Region": region}


def table_exists(dynamodb: Any, name: str) -> bool:
    try:
        dynamodb.describe_table(TableName=name)
    except dynamodb.exceptions.ResourceNotFoundException:
        return False
    return True
