"""Experiments, trials and trial components through the AWS CLI."""

from __future__ import annotations

from tests.local.cli.aws_cli import AwsCli, ask
from tests.local.cli.requests import ARN


def test_an_experiment_from_its_creation_to_its_end(aws: AwsCli) -> None:
    eta = {"eta": {"NumberValue": 0.2}}
    answer, _ = aws.together(
        ask("create-experiment", experiment_name="cli-churn"),
        ask("create-trial-component", trial_component_name="cli-component", parameters=eta),
    )
    assert answer == {"ExperimentArn": f"{ARN}:experiment/cli-churn"}
    aws("create-trial", trial_name="cli-trial", experiment_name="cli-churn")
    link = {"trial_name": "cli-trial", "trial_component_name": "cli-component"}
    aws.together(
        ask("associate-trial-component", **link),
        ask("update-experiment", experiment_name="cli-churn", description="who leaves"),
        ask("update-trial", trial_name="cli-trial", display_name="First"),
        ask("update-trial-component", trial_component_name="cli-component", status={"PrimaryStatus": "Completed"}),
    )
    by_trial = {"Filters": [{"Name": "Parents.TrialName", "Operator": "Equals", "Value": "cli-trial"}]}
    experiment, trial, component, experiments, trials, components, found = aws.together(
        ask("describe-experiment", experiment_name="cli-churn"),
        ask("describe-trial", trial_name="cli-trial"),
        ask("describe-trial-component", trial_component_name="cli-component"),
        ask("list-experiments"),
        ask("list-trials", experiment_name="cli-churn"),
        ask("list-trial-components", trial_name="cli-trial"),
        ask("search", resource="ExperimentTrialComponent", search_expression=by_trial),
    )
    assert (experiment["Description"], trial["DisplayName"]) == ("who leaves", "First")
    assert component["Parameters"] == eta
    assert component["Status"] == {"PrimaryStatus": "Completed"}
    assert "cli-churn" in [each["ExperimentName"] for each in experiments["ExperimentSummaries"]]
    assert [each["TrialName"] for each in trials["TrialSummaries"]] == ["cli-trial"]
    assert [each["TrialComponentName"] for each in components["TrialComponentSummaries"]] == ["cli-component"]
    assert [each["TrialComponent"]["TrialComponentName"] for each in found["Results"]] == ["cli-component"]

    aws("disassociate-trial-component", **link)
    aws.together(
        ask("delete-trial", trial_name="cli-trial"), ask("delete-trial-component", trial_component_name="cli-component")
    )
    aws("delete-experiment", experiment_name="cli-churn")
