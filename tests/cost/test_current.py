"""Prices of instance types from AWS's price list, asked and answered as botocore's model says."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from contender.cost.current import current_prices
from contender.errors import NotFoundError
from tests.cost.cases import PRICES


def product(usage: str, *dollars: str) -> str:
    """A product of the price list, as far as anything is read of it."""
    dimensions = {str(number): {"pricePerUnit": {"USD": each}} for number, each in enumerate(dollars)}
    return json.dumps(
        {
            "product": {"attributes": {"usagetype": usage, "regionCode": "eu-central-1"}},
            "terms": {"OnDemand": {"SKU.TERM": {"priceDimensions": dimensions}}},
        }
    )


def asked(instance_type: str, token: str | None = None) -> dict[str, Any]:
    filters = [
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-central-1"},
        {"Type": "TERM_MATCH", "Field": "instanceName", "Value": instance_type},
    ]
    return {"ServiceCode": "AmazonSageMaker", "Filters": filters, **({"NextToken": token} if token else {})}


@pytest.fixture
def pricing() -> Any:
    return boto3.client("pricing", region_name="us-east-1")


def test_the_highest_price_of_endpoints_and_jobs_is_taken_from_every_page(pricing: Any) -> None:
    first = [
        product("EUC1-Studio:KernelGateway-ml.m5.large", "9.0"),
        product("EUC1-Notebk:ml.m5.large", "8.0"),
        product("EUC1-Host:ml.m5.large", "0.138", "0.0000000000"),
    ]
    second = [product("EUC1-Train:ml.m5.large", "0.140"), product("EUC1-Host:ml.m5.large.other", "7.0")]
    with Stubber(pricing) as stub:
        stub.add_response("get_products", {"PriceList": first, "NextToken": "more"}, asked("ml.m5.large"))
        stub.add_response("get_products", {"PriceList": second}, asked("ml.m5.large", "more"))
        table = current_prices(pricing, PRICES, "eu-central-1", ["ml.m5.large"])
        stub.assert_no_pending_responses()
    assert table.instance("ml.m5.large").price == 0.140
    assert (table.asked, table.region) == ("eu-central-1", "us-east-1")
    assert table.prices == PRICES.prices


def test_a_type_that_aws_does_not_list_is_refused_by_name(pricing: Any) -> None:
    with Stubber(pricing) as stub:
        stub.add_response("get_products", {"PriceList": []}, asked("ml.x9.large"))
        with pytest.raises(NotFoundError, match=r"'ml\.x9\.large' for endpoints or jobs in eu-central-1"):
            current_prices(pricing, PRICES, "eu-central-1", ["ml.x9.large"])
