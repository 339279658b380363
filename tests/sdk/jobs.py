"""Jobs that the SDK starts and waits for itself, outside of any pipeline; run as a program, prints what it saw as JSON.

Arguments: the bucket, which holds abalone/abalone.csv, and a prefix for names and keys.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.parameter import CategoricalParameter, IntegerParameter
from sagemaker.core.processing import FrameworkProcessor, ScriptProcessor
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, ModelPackage
from sagemaker.core.shapes import (
    HyperParameterTuningJobWarmStartConfig,
    OutputDataConfig,
    ParentHyperParameterTuningJob,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)
from sagemaker.core.transformer import Transformer
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode
from sagemaker.train.tuner import HyperparameterTuner

HERE = Path(__file__).parent
ROLE = "arn:aws:iam::000000000000:role/SageMakerRole"
INSTANCE = "ml.m5.large"


class Jobs:
    def __init__(self, bucket: str, prefix: str) -> None:
        self.session = Session(default_bucket=bucket)
        self.prefix = prefix
        self.place = f"s3://{bucket}/{prefix}"
        self.raw = f"s3://{bucket}/abalone/abalone.csv"
        region = self.session.boto_region_name
        self.sklearn = image_uris.retrieve("sklearn", region, version="1.2-1", py_version="py3", instance_type=INSTANCE)
        self.xgboost = image_uris.retrieve("xgboost", region, version="1.7-1", py_version="py3", instance_type=INSTANCE)

    def script_processor(self) -> object:
        processor = ScriptProcessor(
            image_uri=self.sklearn,
            command=["python3"],
            instance_type=INSTANCE,
            instance_count=1,
            base_job_name=f"{self.prefix}-sklearn",
            sagemaker_session=self.session,
            role=ROLE,
        )
        shown = io.StringIO()
        with redirect_stdout(shown):
            processor.run(
                inputs=[_input(self.raw)],
                outputs=[_output(name, f"{self.place}/{name}") for name in ("train", "validation", "test")],
                code=str(HERE / "abalone" / "preprocess.py"),
                wait=True,
                logs=True,
            )
        return {"status": processor.latest_job.refresh().processing_job_status, "said": shown.getvalue()}

    def framework_processor(self) -> object:
        processor = FrameworkProcessor(
            image_uri=self.sklearn,
            command=["python3"],
            instance_type=INSTANCE,
            instance_count=1,
            base_job_name=f"{self.prefix}-framework",
            sagemaker_session=self.session,
            role=ROLE,
        )
        processor.run(
            code="preprocess.py",
            source_dir=str(HERE / "abalone"),
            inputs=[_input(self.raw)],
            outputs=[_output("train", f"{self.place}/framework")],
        )
        return processor.latest_job.refresh().processing_job_status

    def builtin_training(self) -> object:
        trainer = ModelTrainer(
            training_image=self.xgboost,
            compute=Compute(instance_type=INSTANCE, instance_count=1),
            base_job_name=f"{self.prefix}-builtin",
            sagemaker_session=self.session,
            role=ROLE,
            output_data_config=OutputDataConfig(s3_output_path=f"{self.place}/models"),
            hyperparameters={"objective": "reg:squarederror", "num_round": 20, "learning_rate": 0.2},
        )
        trainer.train(input_data_config=self._channels("train", "validation"), wait=True, logs=True)
        job = trainer._latest_training_job.refresh()
        self.artifact = job.model_artifacts.s3_model_artifacts
        metrics = {each.metric_name: each.value for each in job.final_metric_data_list}
        return {"status": job.training_job_status, "metrics": metrics}

    def script_training(self) -> object:
        trainer = self._script_trainer()
        trainer.train(input_data_config=self._channels("train"), wait=True, logs=True)
        return {"status": trainer._latest_training_job.refresh().training_job_status}

    def tuning(self) -> object:
        """A search, and one that starts from it."""
        first = self._tuner(max_jobs=3, strategy="Random", early_stopping_type="Auto", random_seed=1)
        first.tune(inputs=self._channels("train"), job_name=f"{self.prefix}-tune", wait=True)
        best = first.best_training_job()
        second = self._tuner(
            max_jobs=2,
            warm_start_config=HyperParameterTuningJobWarmStartConfig(
                warm_start_type="IdenticalDataAndAlgorithm",
                parent_hyper_parameter_tuning_jobs=[
                    ParentHyperParameterTuningJob(hyper_parameter_tuning_job_name=f"{self.prefix}-tune")
                ],
            ),
        )
        second.tune(inputs=self._channels("train"), job_name=f"{self.prefix}-again", wait=True)
        described = second.describe()
        table = first.analytics().dataframe()
        return {
            "best": best,
            "counts": described.training_job_status_counters.completed,
            "status": described.hyper_parameter_tuning_job_status,
            "parents": len(described.warm_start_config.parent_hyper_parameter_tuning_jobs),
            "table": len(table),
            "columns": sorted(table.columns),
        }

    def serving(self) -> object:
        """A model from the artifact, registered, served, asked, and taken down."""
        builder = ModelBuilder(
            s3_model_data_url=self.artifact, image_uri=self.xgboost, sagemaker_session=self.session, role_arn=ROLE
        )
        model = builder.build(model_name=f"{self.prefix}-model")
        registered = builder.register(
            model_package_group_name=f"{self.prefix}-group",
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=[INSTANCE],
            approval_status="Approved",
        )
        package = ModelPackage.get(model_package_name=f"{self.prefix}-group/1")
        endpoint = builder.deploy(
            endpoint_name=f"{self.prefix}-endpoint", initial_instance_count=1, instance_type=INSTANCE, wait=True
        )
        row = ",".join(["0.1"] * 10)
        answer = endpoint.invoke(body=row, content_type="text/csv")
        served = Endpoint.get(endpoint_name=endpoint.endpoint_name)
        config = EndpointConfig.get(endpoint_config_name=served.endpoint_config_name)
        seen = {
            "answer": answer.body.read().decode(),
            "status": served.endpoint_status,
            "registered": str(registered),
            "package": package.model_package_status,
            "same": Model.get(model_name=f"{self.prefix}-model").primary_container.model_data_url == self.artifact,
        }
        endpoint.delete()
        config.delete()
        self.model = model
        return seen

    def transform(self) -> object:
        transformer = Transformer(
            model_name=f"{self.prefix}-model",
            instance_count=1,
            instance_type=INSTANCE,
            accept="text/csv",
            assemble_with="Line",
            output_path=f"{self.place}/scored",
            sagemaker_session=self.session,
        )
        transformer.transform(
            f"{self.place}/test",
            content_type="text/csv",
            split_type="Line",
            input_filter="$[1:]",
            join_source="Input",
            output_filter="$[0,-1]",
            wait=True,
            logs=True,
        )
        attached = Transformer.attach(transformer.latest_transform_job.transform_job_name, self.session)
        self.model.delete()
        return {"output": attached.output_path}

    def _script_trainer(self) -> ModelTrainer:
        return ModelTrainer(
            training_image=self.sklearn,
            source_code=SourceCode(source_dir=str(HERE / "scripts"), entry_script="train.py"),
            compute=Compute(instance_type=INSTANCE, instance_count=1),
            base_job_name=f"{self.prefix}-script",
            sagemaker_session=self.session,
            role=ROLE,
            output_data_config=OutputDataConfig(s3_output_path=f"{self.place}/models"),
            hyperparameters={"n-estimators": 5, "max-depth": 4},
        )

    def _tuner(self, **options: object) -> HyperparameterTuner:
        return HyperparameterTuner(
            model_trainer=self._script_trainer(),
            objective_metric_name="train:mse",
            metric_definitions=[{"Name": "train:mse", "Regex": r"train:mse=([0-9\.]+);"}],
            objective_type="Minimize",
            hyperparameter_ranges={
                "n-estimators": IntegerParameter(2, 6),
                "max-depth": CategoricalParameter([2, 3, 4]),
            },
            max_parallel_jobs=2,
            **options,
        )

    def _channels(self, *names: str) -> list[InputData]:
        return [
            InputData(channel_name=name, data_source=f"{self.place}/{name}", content_type="text/csv") for name in names
        ]


def _input(uri: str) -> ProcessingInput:
    source = ProcessingS3Input(
        s3_uri=uri, local_path="/opt/ml/processing/input", s3_data_type="S3Prefix", s3_input_mode="File"
    )
    return ProcessingInput(input_name="input-1", s3_input=source)


def _output(name: str, uri: str) -> ProcessingOutput:
    target = ProcessingS3Output(s3_uri=uri, local_path=f"/opt/ml/processing/{name}", s3_upload_mode="EndOfJob")
    return ProcessingOutput(output_name=name, s3_output=target)


def main(bucket: str, prefix: str) -> None:
    jobs = Jobs(bucket, prefix)
    names = (
        "script_processor",
        "framework_processor",
        "builtin_training",
        "script_training",
        "tuning",
        "serving",
        "transform",
    )
    print(f"\n{json.dumps({name: getattr(jobs, name)() for name in names}, default=str)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
