"""A pipeline of decorated functions, as the SDK's documentation lifts them out of a script; run as a program.

Arguments: the bucket and the pipeline's name. Prints what it saw as JSON.
"""

from __future__ import annotations

import json
import sys

from sagemaker.core import image_uris
from sagemaker.core.workflow.parameters import ParameterInteger
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.function_step import step
from sagemaker.mlops.workflow.pipeline import Pipeline

ROLE = "arn:aws:iam::000000000000:role/SageMakerRole"
INSTANCE = "ml.m5.large"


def main(bucket: str, name: str) -> None:
    session = PipelineSession(default_bucket=bucket)
    image = image_uris.retrieve(
        "sklearn", session.boto_region_name, version="1.2-1", py_version="py3", instance_type=INSTANCE
    )

    @step(name="Fit", instance_type=INSTANCE, image_uri=image, role=ROLE)
    def fit(rows):
        import numpy as np
        from sklearn.linear_model import LinearRegression

        x = np.arange(rows).reshape(-1, 1)
        return LinearRegression().fit(x, 3 * x.ravel() + 1)

    @step(name="Predict", instance_type=INSTANCE, image_uri=image, role=ROLE)
    def predict(model, at):
        return round(float(model.predict([[at]])[0]), 6)

    rows = ParameterInteger("Rows", default_value=10)
    pipeline = Pipeline(name, parameters=[rows], steps=[predict(fit(rows), 5)], sagemaker_session=session)
    pipeline.upsert(role_arn=ROLE)
    execution = pipeline.start()
    execution.wait(delay=1, max_attempts=1200)
    print(f"\n{json.dumps({'answer': execution.result('Predict'), 'steps': execution.list_steps()}, default=str)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
