"""A step that runs one of our scripts in one of AWS's images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from sagemaker.core.processing import Processor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.steps import ProcessingStep

from steps.build import Build, job_retries, reuse

LAST_WORDS = "last_words.py"


def processing_step(
    build: Build,
    name: str,
    *,
    title: str,
    description: str,
    image: str,
    code: Sequence[str],
    arguments: Sequence[Any] = (),
    inputs: Mapping[str, Any],
    outputs: Sequence[str],
    property_files: Sequence[PropertyFile] = (),
    cached: bool = True,
) -> ProcessingStep:
    """Run the first file of `code`, with the others and `last_words.py` beside it.

    Each input (name to S3 URI) is a folder of the container, and so is each output; the script gets their places as
    `--<name>` arguments.
    """
    script = _place("input", "code") / PurePosixPath(code[0]).name
    places = {name: _place("input", name) for name in inputs} | {name: _place("output", name) for name in outputs}
    places["last-words"] = PurePosixPath("/opt/ml/output")
    folders = [f"--{option}={place}" for option, place in places.items()]
    processor = Processor(
        image_uri=image,
        entrypoint=["python3", str(script)],
        role=build.role,
        instance_type=build.settings.processing.instance_type,
        instance_count=1,
        max_runtime_in_seconds=build.settings.processing.max_runtime_s,
        tags=build.tags,
        sagemaker_session=build.session,
    )
    sources = {**inputs, "code": build.code(*code, LAST_WORDS)}
    return ProcessingStep(
        name=name,
        display_name=title,
        description=description,
        step_args=processor.run(
            arguments=[*arguments, *folders],
            inputs=[_input(input_name, uri) for input_name, uri in sources.items()],
            outputs=[_output(build, name, output_name) for output_name in outputs],
            # The SDK would make up a name from the time; the service names the job itself.
            job_name=name,
        ),
        property_files=list(property_files),
        cache_config=reuse() if cached else None,
        retry_policies=job_retries(),
    )


def argument(option: str, value: Any) -> Join:
    """`--option=value` of a value known only when it runs; as one word it may begin with a hyphen."""
    return Join(on="=", values=[f"--{option}", value])


def output_uri(step: ProcessingStep, name: str) -> Any:
    """The S3 folder of a step's output, also when the step's result came from the cache."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def _place(direction: str, name: str) -> PurePosixPath:
    return PurePosixPath("/opt/ml/processing") / direction / name


def _input(name: str, uri: Any) -> ProcessingInput:
    local_path = str(_place("input", name))
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(s3_uri=uri, local_path=local_path, s3_data_type="S3Prefix", s3_input_mode="File"),
    )


def _output(build: Build, step: str, name: str) -> ProcessingOutput:
    local_path = str(_place("output", name))
    return ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(s3_uri=build.output(step, name), local_path=local_path, s3_upload_mode="EndOfJob"),
    )
