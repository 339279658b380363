"""The training pipeline of one dimension: from an uploaded file to a challenger on its endpoint.

Preprocess ─► Train | Tune ─► Package ─► Champion ─► Evaluate ─► Gate ─┬─► Register ─► Deploy
                                                                       └─► Refuse
"""

from __future__ import annotations

from collections.abc import Mapping

from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import Step

from contender.config import Settings
from contender.naming import Names
from contender.pipeline import Compiled, compiled
from steps.build import Build, compiler_session
from steps.champion import champion_step
from steps.deploy import deploy_step
from steps.evaluate.step import evaluate_step
from steps.gate import gate_step
from steps.package.step import artifact_uri, package_step
from steps.preprocess.step import preprocess_step
from steps.register import register_step
from steps.train import model_uri, train_step, tune_step


def compile(settings: Settings, outputs: Mapping[str, str]) -> Compiled:
    """The definition and the files it needs in S3; identical sources give identical bytes. Talks to no network.

    `outputs` are those of the deployed stack: ArtifactBucket, PipelineRoleArn, ChampionFunctionArn, DeployFunctionArn.
    """
    build = Build(
        settings=settings,
        outputs=outputs,
        session=compiler_session(settings.region, outputs["ArtifactBucket"]),
        dimension=ParameterString(name="Dimension"),
        data_uri=ParameterString(name="InputDataUri"),
        data_version=ParameterString(name="DataVersion", default_value="none"),
    )
    pipeline = Pipeline(
        name=Names(settings.project).pipeline,
        parameters=[build.dimension, build.data_uri, build.data_version],
        steps=steps(build),
        sagemaker_session=build.session,
        pipeline_experiment_config=None,
    )
    return compiled(pipeline.definition(), build.uploads)


def steps(build: Build) -> list[Step]:
    preprocess = preprocess_step(build)
    train = tune_step(build, preprocess) if build.settings.training.tuning_trials else train_step(build, preprocess)
    package = package_step(build, model_uri(build, train), preprocess)
    artifact = artifact_uri(package)
    champion = champion_step(build, artifact)
    evaluate = evaluate_step(build, preprocess, artifact, champion)
    register = register_step(build, artifact, evaluate)
    deploy = deploy_step(build, register)
    gate = gate_step(build, evaluate, passed=[register, deploy])
    return [preprocess, train, package, champion, evaluate, gate]
