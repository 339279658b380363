"""Which steps run again although their data is unchanged, because what step caching looks at has changed.

The attributes that count for each type of step are those AWS documents:
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contender.pipeline.definitions.changes import differences, same
from contender.pipeline.definitions.graph import Node, gets, readable, references

_ALL = ("*",)
_PROCESSING = ("AppSpecification", "Environment", "ProcessingInputs")
_CHECK = (*_PROCESSING, "NetworkConfig", "ProcessingResources", "RoleArn", "StoppingCondition", "Tags")
_CONTROLS = ("CheckType", "SkipCheck", "RegisterNewBaseline", "ModelPackageGroupName", "ModelName")
_SUPPLIED = ("SuppliedBaselineConstraints", "SuppliedBaselineStatistics")
_TRIAL = (
    "AlgorithmSpecification",
    "HyperParameterRanges",
    "InputDataConfig",
    "StaticHyperParameters",
    "TuningObjective",
)
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "Processing": _PROCESSING,
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
    "Tuning": ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions"),
    "Transform": ("DataProcessing", "Environment", "ModelName", "TransformInput"),
    "QualityCheck": _CHECK,
    "ClarifyCheck": _CHECK,
}
BESIDE: Mapping[str, tuple[str, ...]] = {
    "QualityCheck": (*_CONTROLS, *_SUPPLIED),
    "ClarifyCheck": (*_CONTROLS, *_SUPPLIED),
    "Lambda": ("FunctionArn",),
}
"""What counts outside a step's arguments."""
WORDS: Mapping[str, str] = {
    "AppSpecification": "image or arguments",
    "ProcessingInputs": "code or inputs",
    "HyperParameters": "hyperparameters",
    "AlgorithmSpecification": "image or metrics",
    "InputDataConfig": "channels",
    "HyperParameterTuningJobConfig": "search",
    "TrainingJobDefinition": "training",
    "FunctionArn": "function",
}


@dataclass(frozen=True, slots=True)
class Rerun:
    """A step that runs again the next time, and why: the attributes that changed, or the step that it reads from."""

    step: str
    because: str


def reruns(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Rerun]:
    """The steps that an execution with the same data would have reused and now runs, in the order they run.

    Steps that are new or were never reused are not among them. What reads from a step that makes new files reads new
    addresses, so it runs again too, also by way of a Lambda in between.
    """
    old, new = readable(before), readable(after)
    if old is None or new is None:
        return []
    defaults = _changed_defaults(before, after)
    renewed: dict[str, str] = {}
    found = []
    for name in new.order():
        node = new.nodes[name]
        earlier = old.nodes.get(name)
        reason = "" if earlier is None else _own_reason(earlier, node, defaults)
        reason = reason or next((f"it reads from {step}" for step in references(_counted(node)) if step in renewed), "")
        makes_new = earlier is None or bool(reason)
        if makes_new:
            renewed[name] = reason
        if reason and earlier is not None and _reused(earlier) and _reused(node):
            found.append(Rerun(name, reason))
    return found


def _own_reason(old: Node, new: Node, defaults: set[str]) -> str:
    counted = _counted(old), _counted(new)
    if not same(*counted):
        places = dict.fromkeys(difference.path[0] for difference in differences(*counted))
        return f"its {', '.join(WORDS.get(place, place) for place in places)} changed"
    used = [path.removeprefix("Parameters.") for path in gets(counted[1]) if path.startswith("Parameters.")]
    changed = next((name for name in used if name in defaults), None)
    return f"the default of parameter {changed} changed" if changed else ""


def _counted(node: Node) -> dict[str, Any]:
    """What step caching compares; of a type that has no list, everything that the step is given."""
    arguments = node.body.get("Arguments", {})
    names = ARGUMENTS.get(node.type, _ALL)
    counted = {key: item for key, item in arguments.items() if names is _ALL or key in names}
    if isinstance(trial := counted.get("TrainingJobDefinition"), Mapping):
        counted["TrainingJobDefinition"] = {key: trial[key] for key in _TRIAL if key in trial}
    return counted | {key: node.body[key] for key in BESIDE.get(node.type, ()) if key in node.body}


def _reused(node: Node) -> bool:
    config = node.body.get("CacheConfig")
    return isinstance(config, Mapping) and config.get("Enabled") is True


def _changed_defaults(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    return {
        difference.path[1][1:-1]
        for difference in differences(before, after)
        if difference.path[0] == "Parameters" and difference.path[2:] == ("DefaultValue",)
    }
