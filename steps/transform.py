"""Transform: the challenger answers the test rows as a batch; out come lines of label and probability."""

from __future__ import annotations

from typing import Any

from sagemaker.core.transformer import Transformer
from sagemaker.mlops.workflow.steps import ProcessingStep, TransformStep

from steps.build import Build, job_retries, reuse
from steps.processing import output_uri


def transform_step(build: Build, preprocess: ProcessingStep, model_name: Any) -> TransformStep:
    """A line goes in as `<label>,<raw row>`; the model sees the row, and the label is put back beside its answer."""
    transformer = Transformer(
        model_name=model_name,
        instance_count=1,
        instance_type=build.settings.checks.model_instance_type,
        strategy="MultiRecord",
        assemble_with="Line",
        accept="text/csv",
        output_path=build.output("Transform", "answers"),
        tags=build.tags,
        sagemaker_session=build.session,
    )
    return TransformStep(
        name="Transform",
        display_name="Score the test rows",
        description="The challenger answers the test rows as a batch.",
        step_args=transformer.transform(
            data=output_uri(preprocess, "score"),
            content_type="text/csv",
            split_type="Line",
            input_filter="$[1:]",
            join_source="Input",
            output_filter="$[0,-1]",
            job_name="Transform",
        ),
        cache_config=reuse(),
        retry_policies=job_retries(),
    )
