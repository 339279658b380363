"""What deploying a compiled pipeline would change: sentences, the steps that run again, the files that go to S3."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contender.config import Settings
from contender.pipeline.compiling import Compiled
from contender.pipeline.definitions.changes import same
from contender.pipeline.definitions.code_changes import CodeChanges
from contender.pipeline.definitions.diff import Change, compare
from contender.pipeline.definitions.graph import Graph
from contender.pipeline.definitions.reruns import Rerun, reruns
from contender.pipeline.targets import Target
from contender.pipeline.upserting import plan_upsert


@dataclass(frozen=True, slots=True)
class Comparison:
    """`deployed` is the definition that SageMaker has, or None."""

    deployed: str | None
    changes: tuple[Change, ...]
    again: tuple[Rerun, ...]
    uploads: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return bool(self.changes or self.uploads)


def compare_with_deployed(
    sagemaker: Any, s3: Any, settings: Settings, role_arn: str, compiled: Compiled, target: Target
) -> Comparison:
    """Compare with what is deployed. No changes and no uploads only where `upsert` would do nothing."""
    plan = plan_upsert(sagemaker, s3, settings, role_arn, compiled, target)
    if plan.action == "created":
        document = compiled.document
        text = f"pipeline {target.name} is new, with {len(Graph(document).nodes)} steps"
        new = Change("pipeline", (), {}, document, f"{text} and {len(document.get('Parameters', []))} parameters")
        return Comparison(None, (new,), (), plan.uploaded)
    described = sagemaker.describe_pipeline(PipelineName=target.name)
    before, after = json.loads(described["PipelineDefinition"]), compiled.document
    changes = compare(before, after, CodeChanges(s3, compiled.uploads))
    if described["RoleArn"] != role_arn:
        changes.append(_role(described["RoleArn"], role_arn))
    if plan.action == "updated" and not changes:
        text = "the definition is written in another way; nothing that it does changes"
        changes.append(Change("pipeline", (), {}, {}, text))
    return Comparison(described["PipelineDefinition"], tuple(changes), tuple(reruns(before, after)), plan.uploaded)


def _role(before: str, after: str) -> Change:
    return Change("pipeline", ("RoleArn",), before, after, f"pipeline: role {before} → {after}")


def line_diff(before: str | None, after: str) -> list[str]:
    """A unified diff of two definitions, indented."""
    if before is not None and same(json.loads(before), json.loads(after)):
        return []
    old, new = (json.dumps(json.loads(text), indent=1).splitlines() for text in (before or "{}", after))
    return list(difflib.unified_diff(old, new, "deployed", "this project", lineterm=""))


def as_json_of(comparison: Comparison) -> Mapping[str, Any]:
    return {
        "changed": comparison.changed,
        "deployed": comparison.deployed is not None,
        "changes": [change.as_json() for change in comparison.changes],
        "runs_again": [{"step": each.step, "because": each.because} for each in comparison.again],
        "uploads": list(comparison.uploads),
    }
