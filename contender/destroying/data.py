"""What is kept unless it is asked for: data, models, what was counted, decided and recorded, the registry, the key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from contender.code_bucket import CodeBucket
from contender.deployment import table_exists
from contender.destroying import objects
from contender.destroying.remover import Project, Remover
from contender.destroying.stacks import THE_KEY
from contender.destroying.trials import EXPERIMENTS
from contender.endpoints import PAGE

_BUCKET, _TABLE = "AWS::S3::Bucket", "AWS::DynamoDB::Table"
_KEY_IS_KEPT_DAYS = 30


def _of_type(kind: str, there: Callable[[Project, str], bool]) -> Callable[[Project], Iterator[str]]:
    def find(project: Project) -> Iterator[str]:
        return (each.name for each in project.kept if each.type == kind and there(project, each.name))

    return find


def _bucket_there(project: Project, name: str) -> bool:
    return CodeBucket(project.connect("s3"), name, project.account, project.region).exists()


def _delete_table(project: Project, name: str) -> None:
    dynamodb = project.connect("dynamodb")
    dynamodb.delete_table(TableName=name)
    project.wait(f"table {name}", lambda: not table_exists(dynamodb, name))


def _items(project: Project, name: str) -> str:
    table = project.connect("dynamodb").describe_table(TableName=name)["Table"]
    return f"about {table.get('ItemCount', 0)} items"


def _groups(project: Project) -> Iterator[str]:
    pages = (
        project.connect("sagemaker")
        .get_paginator("list_model_package_groups")
        .paginate(NameContains=f"{project.names.project}-", MaxResults=PAGE)
    )
    named = (each["ModelPackageGroupName"] for page in pages for each in page["ModelPackageGroupSummaryList"])
    return (name for name in named if project.names.dimension_of_group(name))


def _versions(sagemaker: Any, group: str) -> Iterator[str]:
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group, MaxResults=PAGE)
    return (each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"])


def _delete_group(project: Project, name: str) -> None:
    sagemaker = project.connect("sagemaker")
    for arn in list(_versions(sagemaker, name)):
        sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)


def _keys(project: Project) -> Iterator[str]:
    """The key by its alias: the stack keeps it, and nobody can tell a key without one from any other."""
    pages = project.connect("kms").get_paginator("list_aliases").paginate()
    alias = f"alias/{project.names.project}"
    return (
        each["TargetKeyId"]
        for page in pages
        for each in page["Aliases"]
        if each["AliasName"] == alias and "TargetKeyId" in each
    )


def _schedule_deletion(project: Project, key: str) -> None:
    kms = project.connect("kms")
    if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] != "PendingDeletion":
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=_KEY_IS_KEPT_DAYS)


BUCKETS = Remover("bucket", _of_type(_BUCKET, _bucket_there), objects.empty, describe=objects.size)
TABLES = Remover(
    "table",
    _of_type(_TABLE, lambda project, name: table_exists(project.connect("dynamodb"), name)),
    _delete_table,
    describe=_items,
)
GROUPS = Remover(
    "model package group",
    _groups,
    _delete_group,
    describe=lambda project, name: f"{sum(1 for _ in _versions(project.connect('sagemaker'), name))} versions",
)
KEYS = Remover("key", _keys, _schedule_deletion, describe=lambda project, name: f"gone {_KEY_IS_KEPT_DAYS} days later")
DATA = (BUCKETS, TABLES, GROUPS, EXPERIMENTS, KEYS, THE_KEY)
"""What nothing can be read without comes last."""
