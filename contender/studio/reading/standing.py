"""How a dimension's endpoint stands now, for every page that tells of it: they ask once for all of them."""

from __future__ import annotations

from botocore.exceptions import ClientError

from contender import endpoints
from contender.endpoints import Serving
from contender.errors import NotFoundError
from contender.measurements.settings import Settings as Published
from contender.measurements.store import Store
from contender.rollout.state import State
from contender.studio.desk import Desk

SOON_S = 1.0


def serving_of(desk: Desk, name: str) -> Serving | None:
    """What serves; None where there is no such endpoint."""
    return desk.kept.get(("serving", name), SOON_S, lambda: endpoints.read(desk.client("sagemaker"), name))


def state_of(desk: Desk, name: str) -> State | None:
    """What was decided last; None where nothing was, or rollouts are not deployed."""

    def read() -> State | None:
        try:
            return desk.ledger.state(name)
        except NotFoundError:
            return None

    return desk.kept.get(("state of", name), SOON_S, read)


def published_of(desk: Desk, name: str) -> Published | None:
    """How the experiments' API shares requests out; None where it is not used for this endpoint."""
    if not desk.settings.experiment.enabled:
        return None

    def read() -> Published | None:
        try:
            return store_of(desk).settings(name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return None

    return desk.kept.get(("published", name), SOON_S, read)


def store_of(desk: Desk) -> Store:
    """The counts and settings of the project's experiments."""
    return Store(desk.client("dynamodb"), desk.names.table("experiments"))
