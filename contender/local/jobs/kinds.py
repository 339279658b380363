"""The four kinds of job, and how AWS names the fields, ARNs, events and logs of each."""

from __future__ import annotations

from dataclasses import dataclass

TERMINAL = frozenset({"Completed", "Failed", "Stopped"})


@dataclass(frozen=True, slots=True)
class JobKind:
    """`kind` is the store's and the ARN's; `prefix` begins the fields Name, Arn and Status."""

    kind: str
    prefix: str
    title: str
    start_field: str
    end_field: str
    log_group: str

    @property
    def name_field(self) -> str:
        return f"{self.prefix}Name"

    @property
    def arn_field(self) -> str:
        return f"{self.prefix}Arn"

    @property
    def status_field(self) -> str:
        return f"{self.prefix}Status"

    @property
    def detail_type(self) -> str:
        return f"SageMaker {self.title} Job State Change"


PROCESSING = JobKind(
    "processing-job",
    "ProcessingJob",
    "Processing",
    "ProcessingStartTime",
    "ProcessingEndTime",
    "/aws/sagemaker/ProcessingJobs",
)
TRAINING = JobKind(
    "training-job",
    "TrainingJob",
    "Training",
    "TrainingStartTime",
    "TrainingEndTime",
    "/aws/sagemaker/TrainingJobs",
)
TUNING = JobKind(
    "hyper-parameter-tuning-job",
    "HyperParameterTuningJob",
    "HyperParameter Tuning",
    "CreationTime",
    "HyperParameterTuningEndTime",
    "",
)
TRANSFORM = JobKind(
    "transform-job",
    "TransformJob",
    "Transform",
    "TransformStartTime",
    "TransformEndTime",
    "/aws/sagemaker/TransformJobs",
)

KINDS = {each.kind: each for each in (PROCESSING, TRAINING, TUNING, TRANSFORM)}
