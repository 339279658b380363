"""The environment a job's process gets: AWS beside it, who it is, and a Python of its own."""

from __future__ import annotations

from contender.local.context import Context
from contender.local.jobs.job import Job
from contender.local.warm import interpreter
from contender.local.warm.launch import INTERPRETER_VARIABLE


def environment(context: Context, job: Job) -> dict[str, str]:
    """Variables of the container that do not depend on the kind of job. Makes the job's temporary folder."""
    settings = context.settings
    temporary = job.directory / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    sagemaker = f"http://127.0.0.1:{settings.port}"
    return {
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": settings.aws_url,
        "AWS_ENDPOINT_URL_SAGEMAKER": sagemaker,
        "AWS_ENDPOINT_URL_SAGEMAKER_METRICS": sagemaker,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://127.0.0.1:{settings.runtime_port}",
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(temporary),
    }


def own_python(job: Job) -> dict[str, str]:
    """The variable that lets code of the user's install into its job alone. Makes that Python, if it is not there."""
    if not job.python.exists():
        interpreter.make(job.python)
    return {INTERPRETER_VARIABLE: str(job.python)}
