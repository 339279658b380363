"""A pipeline of the SDK's steps that its examples show one by one; run as a program, prints what it saw as JSON.

    Tune ─► BestModel ─► Score ─► Tell (Lambda) ─► Enough ─► Stop          Again: warm-started from an earlier search

Arguments: the bucket, which holds train and test files below `<prefix>/`, and the prefix.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.parameter import ContinuousParameter, IntegerParameter
from sagemaker.core.shapes import (
    HyperParameterTuningJobWarmStartConfig,
    OutputDataConfig,
    ParentHyperParameterTuningJob,
)
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.conditions import ConditionEquals, ConditionGreaterThan, ConditionIn, ConditionOr
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterBoolean, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.parallelism_config import ParallelismConfiguration
from sagemaker.mlops.workflow.pipeline import Pipeline, PipelineExecution
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig, TransformStep, TuningStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData
from sagemaker.train.tuner import HyperparameterTuner

HERE = Path(__file__).parent
ROLE = "arn:aws:iam::000000000000:role/SageMakerRole"
INSTANCE = "ml.m5.large"
CACHE = CacheConfig(enable_caching=True, expire_after="P1D")
RETRIES = [
    StepRetryPolicy(exception_types=[StepExceptionTypeEnum.THROTTLING], interval_seconds=1, max_attempts=3),
    SageMakerJobStepRetryPolicy(
        exception_types=[SageMakerJobExceptionTypeEnum.CAPACITY_ERROR], backoff_rate=2.0, expire_after_mins=5
    ),
]


def get_pipeline(bucket: str, prefix: str) -> Pipeline:
    session = PipelineSession(default_bucket=bucket)
    image = image_uris.retrieve(
        "xgboost", session.boto_region_name, version="1.7-1", py_version="py3", instance_type=INSTANCE
    )
    depth = ParameterInteger("MaxDepth", default_value=3)
    flavour = ParameterString("Flavour", default_value="plain", enum_values=["plain", "spiced"])
    strict = ParameterBoolean("Strict", default_value=False)
    parent = ParameterString("ParentTuningJob", default_value=f"{prefix}-parent")

    def tuner(**options: object) -> HyperparameterTuner:
        trainer = ModelTrainer(
            training_image=image,
            compute=Compute(instance_type=INSTANCE, instance_count=1),
            base_job_name=f"{prefix}-tune",
            sagemaker_session=session,
            role=ROLE,
            output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/{prefix}/models"),
            hyperparameters={"objective": "reg:squarederror", "num_round": 10, "max_depth": depth.to_string()},
        )
        return HyperparameterTuner(
            model_trainer=trainer,
            objective_metric_name="validation:rmse",
            objective_type="Minimize",
            hyperparameter_ranges={
                "eta": ContinuousParameter(0.1, 0.5, scaling_type="Logarithmic"),
                "min_child_weight": IntegerParameter(1, 5),
            },
            max_jobs=2,
            max_parallel_jobs=2,
            strategy="Bayesian",
            random_seed=1,
            **options,
        )

    channels = [
        InputData(channel_name=name, data_source=f"s3://{bucket}/{prefix}/{name}", content_type="text/csv")
        for name in ("train", "validation")
    ]
    tune = TuningStep("Tune", step_args=tuner().tune(inputs=channels), cache_config=CACHE, retry_policies=RETRIES)
    again = TuningStep(
        "Again",
        step_args=tuner(
            warm_start_config=HyperParameterTuningJobWarmStartConfig(
                warm_start_type="TransferLearning",
                parent_hyper_parameter_tuning_jobs=[
                    ParentHyperParameterTuningJob(hyper_parameter_tuning_job_name=parent)
                ],
            )
        ).tune(inputs=channels),
        depends_on=[tune],
    )
    builder = ModelBuilder(
        image_uri=image,
        s3_model_data_url=tune.get_top_model_s3_uri(top_k=0, s3_bucket=bucket, prefix=f"{prefix}/models"),
        sagemaker_session=session,
        role_arn=ROLE,
    )
    model = ModelStep("BestModel", step_args=builder.build(), retry_policies=RETRIES[:1])
    transformer = Transformer(
        model_name=model.properties.ModelName,
        instance_count=1,
        instance_type=INSTANCE,
        accept="text/csv",
        assemble_with="Line",
        output_path=Join(on="/", values=[f"s3://{bucket}/{prefix}/scored", ExecutionVariables.PIPELINE_EXECUTION_ID]),
        sagemaker_session=session,
    )
    score = TransformStep(
        "Score",
        step_args=transformer.transform(
            data=f"s3://{bucket}/{prefix}/test", content_type="text/csv", split_type="Line", input_filter="$[1:]"
        ),
        retry_policies=RETRIES,
    )
    function = Lambda(
        function_name=f"{prefix}-tell",
        execution_role_arn=ROLE,
        script=str(HERE / "scripts" / "tell.py"),
        handler="tell.handler",
        runtime="python3.11",
        session=session,
    )
    tell = LambdaStep(
        "Tell",
        lambda_func=function,
        inputs={
            "Scored": score.properties.TransformOutput.S3OutputPath,
            "Best": tune.properties.BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value,
            "Flavour": flavour,
        },
        outputs=[
            LambdaOutput("Lines", LambdaOutputTypeEnum.Integer),
            LambdaOutput("Told", LambdaOutputTypeEnum.Boolean),
            LambdaOutput("Flavour", LambdaOutputTypeEnum.String),
        ],
        cache_config=CACHE,
    )
    stop = FailStep("Stop", error_message=Join(on="", values=["only ", tell.properties.Outputs["Lines"], " lines"]))
    enough = ConditionStep(
        "Enough",
        conditions=[
            ConditionGreaterThan(left=tell.properties.Outputs["Lines"], right=0),
            ConditionOr(
                [
                    ConditionEquals(left=strict, right=False),
                    ConditionIn(value=tell.properties.Outputs["Flavour"], in_values=["spiced"]),
                ]
            ),
        ],
        if_steps=[],
        else_steps=[stop],
    )
    return Pipeline(
        name=f"{prefix}-steps",
        parameters=[depth, flavour, strict, parent],
        steps=[tune, again, model, score, tell, enough],
        sagemaker_session=session,
    )


def run(pipeline: Pipeline, **parameters: object) -> dict[str, object]:
    started = pipeline.start(
        parameters=parameters, parallelism_config=ParallelismConfiguration(max_parallel_execution_steps=2)
    )
    execution = PipelineExecution(arn=started.arn, sagemaker_session=pipeline.sagemaker_session)
    try:
        execution.wait(delay=1)
    except Exception as error:
        print(error, file=sys.stderr)
    described = execution.describe()
    return {
        "status": described["PipelineExecutionStatus"],
        "reason": described.get("FailureReason"),
        "parallelism": described.get("ParallelismConfiguration"),
        "steps": {step["StepName"]: step for step in execution.list_steps()},
        "parameters": {each["Name"]: each["Value"] for each in execution.list_parameters()["PipelineParameters"]},
    }


def main(bucket: str, prefix: str) -> None:
    pipeline = get_pipeline(bucket, prefix)
    pipeline.upsert(role_arn=ROLE, parallelism_config={"MaxParallelExecutionSteps": 3})
    session = Session(default_bucket=bucket)
    seen = {"first": run(pipeline)}
    tuned = seen["first"]["steps"]["Tune"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    seen["parent"] = tuned
    seen["warm"] = run(pipeline, ParentTuningJob=tuned)
    seen["strict"] = run(pipeline, ParentTuningJob=tuned, Strict=True)
    warm = seen["warm"]["steps"]["Again"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    seen["tuning"] = session.sagemaker_client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=warm)
    print(f"\n{json.dumps(seen, default=str)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
