"""What holds of every page: whatever AWS answers to any one call, and however few threads there are to ask it."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from starlette.testclient import TestClient

from contender.config import Settings
from contender.studio.access import Access
from contender.studio.app import studio
from contender.studio.desk import Clients, Desk
from contender.studio.kept import Kept
from contender.studio.timing import Discreet
from tests.studio.hostile import hostile_world
from tests.studio.recorded import NOTHING, clients
from tests.studio.test_hostile_names import PLACES
from tests.studio.visiting import HERE, visit

ACCOUNT = "123456789012"
LONGEST_S = 30.0
PAGES = ("/", *PLACES)
OPERATIONS = sorted({**NOTHING, **hostile_world("n")})


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged, as `contender studio` writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Discreet())
    root, ours = logging.getLogger(), logging.getLogger("contender")
    level = ours.level
    ours.setLevel(logging.INFO)
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)
    ours.setLevel(level)


def no(operation: str, code: str) -> ClientError:
    message = f"User: arn:aws:iam::{ACCOUNT}:user/ada is not authorized to perform it on secret s3://b-{ACCOUNT}/k"
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize("code", ["AccessDeniedException", "down"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_answer_of_aws_is_a_mistake_of_ours_nor_told_to_the_log(operation: str, code: str, log: io.StringIO) -> None:
    down = EndpointConnectionError(endpoint_url=f"https://b-{ACCOUNT}.s3.test/")
    answers = {**hostile_world("n"), operation: down if code == "down" else no(operation, code)}
    client = visit(answers, Access(allow_actions=True))
    for page in PAGES:
        answer = client.get(page)
        assert answer.status_code in (200, 403, 404, 503), f"{page}: {answer.text}"
        assert "is not authorized" not in answer.text
        assert answer.status_code == 200 or ACCOUNT not in answer.text
    said = log.getvalue()
    assert "calls" in said
    assert ACCOUNT not in said
    assert "secret" not in said


@pytest.mark.parametrize("page", PAGES)
def test_a_mistake_of_ours_does_not_tell_the_log_an_account(page: str, log: io.StringIO) -> None:
    error = KeyError(f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/x")
    answer = visit(dict.fromkeys(OPERATIONS, error), Access(allow_actions=True)).get(page)
    assert answer.status_code == 500
    assert "Traceback" in log.getvalue()
    assert ACCOUNT not in log.getvalue() + answer.text


@pytest.mark.parametrize("page", PAGES)
def test_no_page_waits_within_a_wait(page: str) -> None:
    """With one thread to ask AWS it would wait for ever, as with sixteen where sixteen people ask at once."""
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    connect = clients({**NOTHING, **hostile_world("n")})
    with ThreadPoolExecutor(1) as pool:
        desk = Desk(
            Settings(), Clients(connect, "us-east-1"), clock=lambda: now, kept=Kept(lambda: now, 0.0), pool=pool
        )
        client = TestClient(studio(desk, Access(allow_actions=True)), base_url=HERE)
        for _ in range(2):
            answers: list[int] = []
            asking = threading.Thread(
                target=lambda found=answers: found.append(client.get(page).status_code), daemon=True
            )
            asking.start()
            asking.join(LONGEST_S)
            assert answers == [200]
            now += timedelta(seconds=40)  # what is kept is too old, and read again beside
