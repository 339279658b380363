"""What templates allow: every statement of every policy in them, wherever it stands, and what is wrong with one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.infra.templates import listed

NO_NARROWER_RESOURCE = frozenset(
    {
        *("cloudwatch:GetMetricData", "cloudwatch:DescribeAlarms"),  # asked by a prefix: for no alarm in particular
        *("application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies"),
        *("sagemaker:ListDataQualityJobDefinitions", "sagemaker:ListModelQualityJobDefinitions"),
        "sagemaker:ListMonitoringSchedules",
        *("ecr:GetAuthorizationToken", "xray:PutTraceSegments", "xray:PutTelemetryRecords"),
        *("sagemaker:ListModelPackageGroups", "sagemaker:ListModels", "sagemaker:ListEndpointConfigs"),
        *("sagemaker:ListEndpoints", "sagemaker:ListPipelines", "sagemaker:ListProjects"),
        *("sagemaker:EnableSagemakerServicecatalogPortfolio", "sagemaker:GetSagemakerServicecatalogPortfolioStatus"),
        *("servicecatalog:ListAcceptedPortfolioShares", "servicecatalog:SearchProducts"),
        *("cloudformation:GetTemplateSummary", "cloudformation:ValidateTemplate"),
        *("logs:DescribeLogGroups", "sns:Unsubscribe", "sns:GetSubscriptionAttributes"),
        *("sagemaker:ListUserProfiles", "sagemaker:ListSpaces", "sagemaker:ListApps"),
    }
)
"""Actions for which AWS's service authorization reference lists no type of resource, or none before there is one."""

EXISTING = frozenset({"cloudwatch:DescribeAlarms", "cloudformation:GetTemplateSummary"})
"""Of these, what knows a resource once it is there."""

NARROWED_BY = {
    "cloudwatch:PutMetricData": "cloudwatch:namespace",
    "lambda:CreateEventSourceMapping": "lambda:FunctionArn",
    "s3:GetObject": "s3:ExistingObjectTag/servicecatalog:provisioning",  # in a bucket of Service Catalog's own
} | dict.fromkeys(
    (
        *("servicecatalog:DescribeProvisionedProduct", "servicecatalog:DescribeRecord"),
        *("servicecatalog:TerminateProvisionedProduct", "servicecatalog:UpdateProvisionedProduct"),
    ),
    "servicecatalog:userLevel",
)
"""Actions that a key of the condition narrows, because no resource does."""

KNOW_NO_RESOURCE = NO_NARROWER_RESOURCE - EXISTING | {"lambda:CreateEventSourceMapping"}
"""Actions that no other resource than * allows."""

BROAD = {
    r"ecr:\$\{AWS::Region\}:\*:repository/[\w-]+$": "AWS keeps its images in accounts that differ by region",
    r"(processing|training|hyper-parameter-tuning|transform)-job/\*$": "SageMaker names a pipeline's jobs, not we",
    r"experiment-trial(-component)?/\*$": "a trial has an execution's id for a name, a component that of its job",
    r"processing-job/(model-monitoring|model-quality-monitoring|groundtruth-merge)-\*$": "SageMaker names their jobs",
    r"scalable-target/\*$": "Application Auto Scaling names targets; a condition says for which service",
    r"endpoint(-config)?/sm-clarify-\*$": "Clarify names the endpoint that it asks a model through",
    r"log-group:/aws/sagemaker/\*$": "SageMaker's log groups are shared by all jobs of an account",
    r"catalog:\$\{AWS::Region\}:\*:portfolio/\*$": "SageMaker's own portfolio differs by region, account and all",
    r"event-source-mapping:\*$": "Lambda names them; a condition on lambda:FunctionArn says whose",
    r"apigateway:\$\{AWS::Region\}::/(restapis|apikeys|usageplans|tags)/\*$": "API Gateway names APIs, keys and plans",
    r":project/\*$": "users name their SageMaker projects",
    r":(stack|policy)/SC-\*$": "Service Catalog names its stacks, and CloudFormation what is in them after these",
    r"codecommit:\$\{AWS::Region\}:\$\{AWS::AccountId\}:\*$": "a repository is named as its project, by a user",
    r"[:/]\*-delivery([-*]|$)": "a new project has a name of its own",
}
"""Resources with a wildcard that no name of ours stands in front of, and why."""

_IDENTITY = ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement and the resource of the template that it stands in; `trust`: it says who may take a role."""

    owner: str
    type: str
    trust: bool
    body: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.owner} {self.body.get('Sid', '')}".strip()

    def problem(self) -> str | None:
        """What is too wide in it, in words."""
        if self.body["Effect"] == "Deny":
            return None
        if any(name.startswith("Not") for name in self.body):
            return "it allows all but something"
        if wide := [action for action in listed(self.body["Action"]) if "*" in action]:
            return f"it allows {wide[0]}"
        if "Principal" in self.body and (found := self._problem_of_principal()):
            return found
        if self.trust or self.type == "AWS::KMS::Key":  # in the policy of a key, the resource * is that key
            return None
        return next(filter(None, map(self._problem_of_resource, listed(self.body["Resource"]))), None)

    def _problem_of_principal(self) -> str | None:
        principal = self.body["Principal"]
        if principal == "*" or principal.get("AWS") == "*":
            return "anybody may"
        if "Service" in principal and not self.trust and not self.body.get("Condition"):
            return "a service may for anybody's sake: name the source"
        return None

    def _problem_of_resource(self, resource: Any) -> str | None:
        text = text_of(resource)
        if text == "*":
            actions = set(listed(self.body["Action"]))
            if narrower := sorted(actions - NO_NARROWER_RESOURCE - NARROWED_BY.keys()):
                return f"{narrower[0]} knows a narrower resource than *"
            condition = json.dumps(self.body.get("Condition", {}))
            open_ = sorted(action for action in actions & NARROWED_BY.keys() if NARROWED_BY[action] not in condition)
            return f"{open_[0]} has no condition on {NARROWED_BY[open_[0]]}" if open_ else None
        if deaf := sorted(KNOW_NO_RESOURCE.intersection(listed(self.body["Action"]))):
            return f"{deaf[0]} knows no resource: with any but * it is not allowed"
        if is_nameless(text) and not any(re.search(pattern, text) for pattern in BROAD):
            return f"no name of ours stands before the * of {text}"
        return None


def text_of(resource: Any) -> str:
    """A resource of a statement; nothing for one that is referred to as a whole."""
    return resource if isinstance(resource, str) else resource.get("Fn::Sub", "") if resource else ""


def is_nameless(text: str) -> bool:
    """Whether a wildcard is in it before which no name of ours stands."""
    before, star, _ = text.partition("*")
    return bool(star) and not re.search(r"\$\{(?!AWS::)[\w.]+\}", before)


def statements(template: dict[str, Any]) -> Iterator[Statement]:
    """Every statement of every policy in a template: of roles, buckets, queues and keys, and who may take a role."""
    for owner, resource in template["Resources"].items():
        for place, body in _statements(resource.get("Properties", {}), ""):
            yield Statement(owner, resource["Type"], "AssumeRolePolicyDocument" in place, body)


def _statements(value: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "Statement":
                for each in listed(inner):
                    branches = each["Fn::If"][1:] if "Fn::If" in each else [each]
                    yield from ((place, branch) for branch in branches if "Effect" in branch)
            else:
                yield from _statements(inner, f"{place}/{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _statements(inner, place)


def of_roles(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What roles may do: each statement of a role or of a policy for roles, with the name of that."""
    return ((each.owner, each.body) for each in statements(template) if each.type in _IDENTITY and not each.trust)
