"""What a user of the SDK writes down: an experiment of resource classes, and a run; prints what the service kept."""

from __future__ import annotations

import json
import sys

import boto3
from sagemaker.core.analytics import ExperimentAnalytics
from sagemaker.core.experiments.run import Run
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import Experiment, Trial, TrialComponent
from sagemaker.core.shapes import TrialComponentParameterValue

experiment = Experiment.create(experiment_name="sdk-churn")
trial = Trial.create(trial_name="sdk-trial", experiment_name=experiment.experiment_name)
component = TrialComponent.create(trial_component_name="sdk-component")
component.associate_trail(trial_name=trial.trial_name)
component.update(parameters={"eta": TrialComponentParameterValue(number_value=0.2)})

session = Session(boto_session=boto3.Session(region_name="us-east-1"), default_bucket="bucket")
with Run(experiment_name="sdk-churn", run_name="by-hand", sagemaker_session=session) as run:
    run.log_parameters({"eta": 0.3, "kind": "tree"})
    for step, loss in enumerate((0.9, 0.5, 0.7)):
        run.log_metric("loss", loss, step=step)

table = ExperimentAnalytics(experiment_name="sdk-churn", sagemaker_session=session).dataframe()
components = TrialComponent.get_all(experiment_name="sdk-churn", sort_by="Name", sort_order="Ascending")
names = [each.trial_component_name for each in components]
kept = TrialComponent.get(trial_component_name="sdk-component").parameters
logged = TrialComponent.get(trial_component_name="sdk-churn-by-hand")
(loss,) = logged.metrics
for each in names:
    for holder in Trial.get_all(trial_component_name=each):
        TrialComponent.get(trial_component_name=each).disassociate_trail(trial_name=holder.trial_name)
    TrialComponent.get(trial_component_name=each).delete()
for holder in Trial.get_all(experiment_name="sdk-churn"):
    holder.delete()
experiment.delete()
sys.stdout.write(
    json.dumps(
        {
            "names": names,
            "compared": dict(zip(table["TrialComponentName"], table["eta"].astype(float), strict=True)),
            "kept": kept["eta"].number_value,
            "logged": [logged.parameters["eta"].number_value, logged.parameters["kind"].string_value],
            "loss": [loss.min, loss.max, loss.last, loss.count],
            "status": logged.status.primary_status,
            "left": [each.experiment_name for each in Experiment.get_all()],
        }
    )
)
