"""What the pipeline checks a challenger against: the baselines of its dimension's latest approved version.

A dimension's first execution has none. Whoever starts it (`contender pipeline start`, the starter Lambda) asks
`first_run` here: a check without a baseline is skipped, and what it computes becomes the baseline of the versions that
come after. The names of the parameters are those of AWS's own samples.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from contender import registry


@dataclass(frozen=True, slots=True)
class Check:
    """A check of the pipeline, and where the registry keeps its baseline: paths in DriftCheckBaselines."""

    name: str
    paths: tuple[str, ...]

    @property
    def skip(self) -> str:
        return f"Skip{self.name}Check"

    @property
    def register(self) -> str:
        return f"RegisterNew{self.name}Baseline"

    @property
    def fail(self) -> str:
        return f"FailOn{self.name}Violation"

    @property
    def supplied_statistics(self) -> str:
        return f"{self.name}SuppliedStatistics"

    @property
    def supplied_constraints(self) -> str:
        """Checks by Clarify have constraints only, and AWS's samples name them differently."""
        return f"{self.name}SuppliedConstraints" if len(self.paths) == 2 else f"{self.name}SuppliedBaselineConstraints"


DATA_QUALITY = Check("DataQuality", ("ModelDataQuality.Statistics", "ModelDataQuality.Constraints"))
DATA_BIAS = Check("DataBias", ("Bias.PreTrainingConstraints",))
MODEL_QUALITY = Check("ModelQuality", ("ModelQuality.Statistics", "ModelQuality.Constraints"))
MODEL_BIAS = Check("ModelBias", ("Bias.PostTrainingConstraints",))
EXPLAINABILITY = Check("ModelExplainability", ("Explainability.Constraints",))
CHECKS = (DATA_QUALITY, DATA_BIAS, MODEL_QUALITY, MODEL_BIAS, EXPLAINABILITY)


def declared(definition: Mapping[str, Any]) -> dict[str, str]:
    """Type of each parameter that a definition has."""
    return {parameter["Name"]: parameter["Type"] for parameter in definition.get("Parameters", [])}


def first_run(sagemaker: Any, group: str, parameters: Collection[str]) -> dict[str, str]:
    """Parameters for the checks that have no baseline yet; only those that the pipeline has (`parameters`)."""
    baselines = _latest(sagemaker, group)
    return {
        name: "true"
        for check in CHECKS
        if not all(_address(baselines, path) for path in check.paths)
        for name in (check.skip, check.register)
        if name in parameters
    }


def renewed(check: Check, parameters: Collection[str]) -> dict[str, str]:
    """Parameters with which a check compares nothing and registers a new baseline; those that the pipeline has."""
    return {name: "true" for name in (check.skip, check.register) if name in parameters}


def _latest(sagemaker: Any, group: str) -> Mapping[str, Any]:
    """DriftCheckBaselines of the latest approved version; empty when there is none, or it has none."""
    approved = [version for version in registry.list_versions(sagemaker, group) if version.approval == "Approved"]
    if not approved:
        return {}
    package = sagemaker.describe_model_package(ModelPackageName=approved[-1].arn)
    baselines: Mapping[str, Any] = package.get("DriftCheckBaselines", {})
    return baselines


def _address(baselines: Mapping[str, Any], path: str) -> str:
    part, _, name = path.partition(".")
    return str(baselines.get(part, {}).get(name, {}).get("S3Uri", ""))
