"""The environment every job's process gets: AWS beside it, and who it is."""

from __future__ import annotations

from contender.local.context import Context
from contender.local.jobs.job import Job
from contender.local.warm import interpreter
from contender.local.warm.launch import INTERPRETER_VARIABLE


def environment(context: Context, job: Job) -> dict[str, str]:
    """Variables of the container that do not depend on the kind of job.

    Makes the job's own temporary folder and Python, if they are not there.
    """
    settings = context.settings
    temporary = job.directory / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    if not job.python.exists():
        interpreter.make(job.python)
    sagemaker = f"http://127.0.0.1:{settings.port}"
    return {
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": settings.aws_url,
        "AWS_ENDPOINT_URL_SAGEMAKER": sagemaker,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://127.0.0.1:{settings.runtime_port}",
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(temporary),
        INTERPRETER_VARIABLE: str(job.python),
    }
