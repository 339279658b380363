"""What a person is told when a page cannot be shown, and what the log says of it: no account, nothing secret."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from contender.studio import timing
from contender.studio.access import Access
from tests.studio.visiting import visit

ACCOUNT = "123456789012"
TOKEN = "a-token-that-nobody-may-see"


def refused(code: str) -> ClientError:
    message = f"User: arn:aws:iam::{ACCOUNT}:user/ada is not authorized to perform: sagemaker:ListEndpoints"
    return ClientError({"Error": {"Code": code, "Message": message}}, "ListEndpoints")


FAILURES = [
    (refused("AccessDeniedException"), 403, "AWS does not allow ListEndpoints"),
    (refused("ResourceNotFound"), 404, "AWS has no such thing"),
    (refused("ThrottlingException"), 503, "wait a moment"),
    (refused("ExpiredTokenException"), 503, "renew the credentials"),
    (refused("InternalFailure"), 502, "AWS answered ListEndpoints with InternalFailure"),
    (NoCredentialsError(), 503, "are there credentials and a region?"),
    (EndpointConnectionError(endpoint_url=f"http://b-{ACCOUNT}.s3.test/"), 503, "contender local status"),
    (KeyError(f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/x"), 500, "It is a mistake of ours"),
]


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """The log as `contender studio` writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(timing.Discreet())
    ours = logging.getLogger("contender")
    level = ours.level
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    yield stream
    ours.removeHandler(handler)
    ours.setLevel(level)


@pytest.mark.parametrize(("error", "status", "words"), FAILURES, ids=lambda each: str(each)[:40])
def test_an_error_is_a_page_that_says_what_to_do(error: Exception, status: int, words: str, said: io.StringIO) -> None:
    answer = visit({"ListEndpoints": error}).get("/")
    assert answer.status_code == status
    assert words in answer.text
    assert "content-security-policy" in answer.headers
    assert ACCOUNT not in answer.text
    assert ACCOUNT not in said.getvalue()


def test_what_aws_did_not_answer_is_tried_again_by_itself() -> None:
    assert "data-every" in visit({"ListEndpoints": NoCredentialsError()}).get("/").text
    assert "data-every" not in visit({"ListEndpoints": refused("AccessDenied")}).get("/").text


def test_a_name_that_aws_cannot_be_asked_for_is_no_page() -> None:
    assert visit().get("/", params={"stage": "x" * 300}).status_code == 404


def test_a_request_is_one_line_without_its_query_its_token_and_its_account(said: io.StringIO) -> None:
    client = visit(access=Access(allow_actions=True, token=TOKEN))
    client.get("/", params={"token": TOKEN})
    client.post("/login", data={"token": TOKEN + "x"})
    client.post("/login", data={"token": TOKEN})
    client.get("/", params={"q": "who", "account": ACCOUNT})
    client.get(f"/executions/{ACCOUNT}%0AGET /forged 200")
    client.request("BREW", "/")
    client.get("/static/style.css")
    log = said.getvalue()
    lines = [line for line in log.splitlines() if "calls" in line]
    assert [re.sub(r"^\S+ \S+ | \d+ ms", "", line) for line in lines] == [
        "GET / 303 0 calls",
        "POST /login 403 0 calls",
        "POST /login 303 0 calls",
        "GET / 200 0 calls",
        "GET /executions/…%0AGET%20/forged%20200 404 0 calls",
        "BREW / 405 0 calls",
    ]
    assert TOKEN not in log
    assert not re.search(r"\d{12}", log)


def test_a_traceback_in_the_log_has_no_account_either(said: io.StringIO) -> None:
    visit({"ListEndpoints": KeyError(f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/x")}).get("/")
    assert "Traceback" in said.getvalue()
    assert ACCOUNT not in said.getvalue()
