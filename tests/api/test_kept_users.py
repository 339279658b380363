"""The stored mode: a user stays on a variant for good, whatever the shares do, as long as the variant has any."""

from __future__ import annotations

import pytest
from botocore.exceptions import EndpointConnectionError

from contender.api.kept_users import KEEP_S, drawn
from tests.api.api import Api

USERS = [f"u{number}" for number in range(60)]


@pytest.fixture
def api() -> Api:
    api = Api()
    api.wait(1)
    api.publish(sticky="stored", v1=0.5, v2=0.5)
    return api


def variants(api: Api) -> dict[str, str]:
    return {user: api.invoke(user_id=user)[1]["target_variant"] for user in USERS}


def republish(api: Api, **shares: float) -> None:
    api.wait(60)
    api.publish(sticky="stored", **shares)


def test_nobody_moves_when_shares_do(api: Api) -> None:
    before = variants(api)
    republish(api, v1=0.99, v2=0.01)
    assert variants(api) == before
    assert set(before.values()) == {"v1", "v2"}


def test_the_event_tells_the_shares_that_the_user_was_drawn_by(api: Api) -> None:
    variants(api)
    republish(api, v1=0.99, v2=0.01)
    variants(api)
    assert {(event["propensity"], *event["shares"].values()) for event in api.events} == {(0.5, 0.5, 0.5)}


def test_a_variant_without_a_share_gives_its_users_back_and_they_stay_where_they_went(api: Api) -> None:
    variants(api)
    republish(api, v1=1.0, v2=0.0)
    assert set(variants(api).values()) == {"v1"}
    republish(api, v1=0.5, v2=0.5)
    assert set(variants(api).values()) == {"v1"}


def test_another_experiment_draws_anew(api: Api) -> None:
    before = variants(api)
    api.wait(60)
    api.publish(number=2, sticky="stored", v1=0.5, v2=0.5)
    assert variants(api) != before


def test_who_decides_first_decides(api: Api) -> None:
    """Two requests of one user at once, between whose reading and writing the shares changed."""
    found = api.store.settings("contender-SM-1")
    assert found is not None
    first = drawn(found, "u1").variant
    other = {"v1": "v2", "v2": "v1"}[first]

    def overtake(operation: str) -> None:
        if operation == "update_item":
            api.dynamodb.before = lambda operation: None
            api.wait(11)
            republish(api, **{other: 1.0, first: 1e-9})
            assert api.invoke(user_id="u1")[1]["target_variant"] == other

    api.dynamodb.before = overtake
    assert api.invoke(user_id="u1")[1]["target_variant"] == other


def test_an_assignment_expires_when_its_user_stays_away(api: Api) -> None:
    before = variants(api)
    api.wait(KEEP_S * 0.6)
    assert variants(api) == before, "prolongs it"
    api.wait(KEEP_S * 0.6)
    republish(api, v1=0.01, v2=0.99)
    assert variants(api) == before
    api.wait(KEEP_S + 1)
    assert list(variants(api).values()).count("v2") > 50


def test_a_user_who_stays_is_read_and_not_written(api: Api) -> None:
    variants(api)
    api.dynamodb.calls.clear()
    variants(api)
    assert set(api.dynamodb.calls) == {"get_item"}


def test_a_table_that_fails_in_between_costs_no_request(api: Api) -> None:
    api.invoke()

    def down(operation: str) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    api.dynamodb.before = down
    status, answer = api.invoke(user_id="u2")
    assert (status, answer["strategy"]) == (200, "Thompson")
