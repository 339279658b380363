"""Train, or Tune: XGBoost's built-in algorithm on the training rows, watched on the validation rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sagemaker.core.parameter import ContinuousParameter, IntegerParameter
from sagemaker.core.shapes import (
    HyperParameterTuningJobWarmStartConfig,
    OutputDataConfig,
    ParentHyperParameterTuningJob,
    Tag,
)
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.mlops.workflow.steps import ProcessingStep, Step, TrainingStep, TuningStep
from sagemaker.train.configs import Compute, InputData, StoppingCondition
from sagemaker.train.model_trainer import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

from contender import warm_start
from contender.config.hyperparameters import INTEGERS
from steps.build import Build, job_retries, reuse, untracked
from steps.processing import output_uri


def train_step(build: Build, preprocess: ProcessingStep, depends_on: Sequence[Step]) -> TrainingStep:
    """One training with the settings' hyperparameters."""
    return TrainingStep(
        name="Train",
        display_name="Train the challenger",
        description="XGBoost with the settings' hyperparameters.",
        step_args=untracked(_trainer(build).train)(input_data_config=_channels(preprocess)),
        depends_on=list(depends_on),
        cache_config=reuse(),
        retry_policies=job_retries(),
    )


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a search begins: the tuning job it continues, for the record and for the service."""

    previous: ParameterString | str
    parents: HyperParameterTuningJobWarmStartConfig | None


def from_nothing(build: Build) -> Beginning:
    """The first search of a dimension. That it takes the parameter tells that a later one may continue it."""
    later = build.settings.training.warm_start
    return Beginning(build.text(warm_start.PARAMETER, warm_start.NONE) if later else warm_start.NONE, None)


def from_previous(build: Build) -> Beginning:
    """A search that continues the tuning job which an execution names."""
    previous = build.text(warm_start.PARAMETER, None)
    parent = ParentHyperParameterTuningJob(hyper_parameter_tuning_job_name=previous)
    # The data is new. The other type is for the same data, and would call an old training the best.
    config = HyperParameterTuningJobWarmStartConfig(
        parent_hyper_parameter_tuning_jobs=[parent], warm_start_type="TransferLearning"
    )
    return Beginning(previous, config)


def tune_step(build: Build, preprocess: ProcessingStep, beginning: Beginning, depends_on: Sequence[Step]) -> TuningStep:
    """A search of `tuning_trials` trainings for the best AUC on the validation rows."""
    training = build.settings.training
    tuner = HyperparameterTuner(
        model_trainer=_trainer(build),
        objective_metric_name="validation:auc",
        objective_type="Maximize",
        strategy="Bayesian",
        hyperparameter_ranges={
            name: _range(name, low, high) for name, (low, high) in sorted(training.tuning_ranges.items())
        },
        max_jobs=training.tuning_trials,
        max_parallel_jobs=min(training.tuning_parallel, training.tuning_trials),
        early_stopping_type="Auto",
        random_seed=1,
        warm_start_config=beginning.parents,
    )
    return TuningStep(
        name="Tune",
        display_name="Search for the best challenger",
        description=f"{training.tuning_trials} trainings of XGBoost; the best AUC on the validation rows wins.",
        step_args=tuner.tune(inputs=_channels(preprocess)),
        depends_on=list(depends_on),
        cache_config=reuse(),
        retry_policies=job_retries(),
    )


def search_origin(step: TuningStep, beginning: Beginning) -> dict[str, Any]:
    """Metadata of the version: with these, its dimension's next search finds what to continue."""
    return {
        warm_start.TUNING_JOB: step.properties.HyperParameterTuningJobName,
        warm_start.PREVIOUS: beginning.previous,
    }


def model_uri(build: Build, step: TrainingStep | TuningStep) -> Any:
    """The model.tar.gz that the training, or the search's best training, left."""
    if isinstance(step, TrainingStep):
        return step.properties.ModelArtifacts.S3ModelArtifacts
    best = step.properties.BestTrainingJob.TrainingJobName
    return Join(on="/", values=[*build.training_folder(), best, "output", "model.tar.gz"])


def _trainer(build: Build) -> ModelTrainer:
    training = build.settings.training
    return ModelTrainer(
        training_image=build.xgboost_image,
        sagemaker_session=build.session,
        role=build.role,
        base_job_name="train",
        tags=[Tag(key=tag["Key"], value=tag["Value"]) for tag in build.tags],
        compute=Compute(instance_type=training.instance_type, instance_count=1, volume_size_in_gb=30),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=training.max_runtime_s),
        output_data_config=OutputDataConfig(s3_output_path=Join(on="/", values=build.training_folder())),
        hyperparameters={
            **{name: str(value) for name, value in sorted(training.hyperparameters.items())},
            "eval_metric": str(training.hyperparameters.get("eval_metric", "auc")),
            "num_round": str(training.rounds),
            "objective": "binary:logistic",
        },
    )


def _channels(preprocess: ProcessingStep) -> list[InputData]:
    return [
        InputData(channel_name=name, data_source=output_uri(preprocess, name), content_type="text/csv")
        for name in ("train", "validation")
    ]


def _range(name: str, low: float, high: float) -> ContinuousParameter | IntegerParameter:
    if name in INTEGERS:
        return IntegerParameter(int(low), int(high))
    return ContinuousParameter(low, high)
