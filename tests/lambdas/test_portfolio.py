"""The custom resource of Studio's stack: CloudFormation gets an answer whatever happens."""

from __future__ import annotations

import http.server
import json
import threading
from typing import Any

import pytest

from contender.lambdas import portfolio


class SageMaker:
    def __init__(self, error: Exception | None = None) -> None:
        self.enabled = 0
        self._error = error

    def enable_sagemaker_servicecatalog_portfolio(self) -> None:
        if self._error:
            raise self._error
        self.enabled += 1


def asked(request: str, sagemaker: SageMaker) -> dict[str, Any]:
    """The answer that arrives at the address in the event."""
    arrived: dict[str, bytes] = {}
    event = {
        "RequestType": request,
        "ResponseURL": "https://answers",
        "StackId": "stack",
        "RequestId": "1",
        "LogicalResourceId": "PortfolioSwitch",
    }
    portfolio.switch(event, lambda: sagemaker, arrived.__setitem__)
    answer: dict[str, Any] = json.loads(arrived["https://answers"])
    assert (answer["StackId"], answer["RequestId"], answer["LogicalResourceId"]) == ("stack", "1", "PortfolioSwitch")
    return answer


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_the_portfolio_is_accepted(request_type: str) -> None:
    sagemaker = SageMaker()
    assert asked(request_type, sagemaker)["Status"] == "SUCCESS"
    assert sagemaker.enabled == 1


def test_it_stays_accepted_when_the_stack_goes() -> None:
    sagemaker = SageMaker()
    assert asked("Delete", sagemaker)["Status"] == "SUCCESS"
    assert sagemaker.enabled == 0


def test_a_refusal_is_told_with_its_reason() -> None:
    answer = asked("Create", SageMaker(PermissionError("you may not")))
    assert (answer["Status"], answer["Reason"]) == ("FAILED", "PermissionError: you may not")


def test_the_answer_is_put_without_a_content_type_as_its_address_is_signed_for() -> None:
    seen: list[tuple[str, str, bytes]] = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers["Content-Type"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: Any) -> None:
            return None

    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        portfolio._put(f"http://127.0.0.1:{server.server_port}/answer?signed", b"{}")
        thread.join(10)
    assert seen == [("/answer?signed", "", b"{}")]
