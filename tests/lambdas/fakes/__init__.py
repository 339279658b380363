"""In-memory stand-ins for the AWS clients the Lambda code uses.

Each request and each answer is checked against botocore's own model of the service, so a misspelt field fails here.
Endpoints change state only when a test says `settle()`, as AWS does when it gets round to it. Lists come in pages
of two. Weights come back as 32-bit floats. Any call may be the last one before the process is killed.
"""

from tests.lambdas.fakes.client import Fake, Killed, Process, client_error, operation
from tests.lambdas.fakes.locks import FakeDynamoDB
from tests.lambdas.fakes.queues import FakeSqs
from tests.lambdas.fakes.sagemaker import FakeSageMaker
from tests.lambdas.fakes.tables import FakeTables

__all__ = [
    "Fake",
    "FakeDynamoDB",
    "FakeSageMaker",
    "FakeSqs",
    "FakeTables",
    "Killed",
    "Process",
    "client_error",
    "operation",
]
