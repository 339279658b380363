"""The training pipeline of one dimension: from an uploaded file to a challenger on its endpoint.

Preprocess ─► DataQuality, DataBias ─► Train | Tune ─► Package ─► Champion ─► Evaluate ─► Gate
    passed:   CreateModel ─┬─► Transform ─► ModelQuality ──┬─► Register ─► Deploy
                           └─► ModelBias, Explainability ──┘
    failed:   Refuse
"""

from __future__ import annotations

from collections.abc import Mapping

from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.pipeline_experiment_config import PipelineExperimentConfig
from sagemaker.mlops.workflow.steps import Step, TrainingStep, TuningStep

from contender.config import Settings
from contender.naming import Names
from contender.pipeline.compiling import Compiled, compiled
from steps.build import Build, compiler_session
from steps.champion import champion_step
from steps.create_model import create_model_step, model_name
from steps.data_bias import data_bias_step
from steps.data_quality import data_quality_step
from steps.deploy import deploy_step
from steps.evaluate.step import evaluate_step
from steps.explainability import explainability_step
from steps.gate import gate_step
from steps.model_bias import model_bias_step
from steps.model_quality import model_quality_step
from steps.package.step import artifact_uri, package_step
from steps.preprocess.step import preprocess_step
from steps.register import Checks, register_step
from steps.train import (
    Beginning,
    from_nothing,
    from_previous,
    model_uri,
    search_origin,
    train_step,
    tune_step,
)
from steps.transform import transform_step


def compile(settings: Settings, outputs: Mapping[str, str]) -> Compiled:
    """The definition and the files it needs in S3; identical sources give identical bytes. Talks to no network.

    `outputs` are those of the deployed stack: ArtifactBucket, PipelineRoleArn, and the functions' ARNs.
    """
    build = Build(settings, outputs, compiler_session(settings.region, outputs["ArtifactBucket"]))
    beginning = from_nothing(build) if settings.training.tuning_trials else None
    return _compiled(build, Names(settings.project).pipeline, steps(build, beginning))


def compile_warm(settings: Settings, outputs: Mapping[str, str]) -> Compiled:
    """The same pipeline with a search that continues another one (`contender/warm_start.py` says when which runs)."""
    build = Build(settings, outputs, compiler_session(settings.region, outputs["ArtifactBucket"]))
    return _compiled(build, Names(settings.project).warm_pipeline, steps(build, from_previous(build)))


def _compiled(build: Build, name: str, listed: list[Step]) -> Compiled:
    pipeline = Pipeline(
        name=name,
        parameters=build.parameters,
        steps=listed,
        sagemaker_session=build.session,
        # Each execution is a trial, in which SageMaker keeps what its jobs were made of and what came of them.
        pipeline_experiment_config=PipelineExperimentConfig(
            ExecutionVariables.PIPELINE_NAME, ExecutionVariables.PIPELINE_EXECUTION_ID
        ),
    )
    return compiled(pipeline.definition(), build.uploads)


def steps(build: Build, beginning: Beginning | None) -> list[Step]:
    """All steps; they search for the best hyperparameters from `beginning` on, or train with the settings'."""
    facet = build.settings.checks.bias.facet
    preprocess = preprocess_step(build)
    data_quality = data_quality_step(build, preprocess)
    data_bias = data_bias_step(build, preprocess) if facet else None
    data_checks = [step for step in (data_quality, data_bias) if step]

    # Nothing is trained on data that a check refuses.
    train: TrainingStep | TuningStep
    if beginning:
        train = tune_step(build, preprocess, beginning, depends_on=data_checks)
        search = search_origin(train, beginning)
    else:
        train, search = train_step(build, preprocess, depends_on=data_checks), {}
    package = package_step(build, model_uri(build, train), preprocess)
    artifact = artifact_uri(package)
    champion = champion_step(build, artifact)
    evaluate = evaluate_step(build, preprocess, artifact, champion)

    create_model = create_model_step(build, artifact)
    transform = transform_step(build, preprocess, model_name(create_model))
    model_quality = model_quality_step(build, transform)
    model_bias = model_bias_step(build, preprocess, model_name(create_model)) if facet else None
    explainability = explainability_step(build, preprocess, model_name(create_model))
    model_checks = [step for step in (model_quality, model_bias, explainability) if step]

    checks = Checks(data_quality, data_bias, model_quality, model_bias, explainability)
    register = register_step(build, artifact, evaluate, checks, search)
    deploy = deploy_step(build, register)
    gate = gate_step(build, evaluate, passed=[create_model, transform, *model_checks, register, deploy])
    return [preprocess, *data_checks, train, package, champion, evaluate, gate]
