"""What AWS's own price list says now of an hour on instance types, in any region."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contender.cost.prices import PriceTable
from contender.errors import NotFoundError

SERVICE = "AmazonSageMaker"
USES = ("Host", "Train", "Processing", "Tsform")
"""How usage types begin, behind the region's code, that endpoints and jobs are billed by: `USE1-Host:ml.m5.large`."""
SOURCE = "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html"


def current_prices(pricing: Any, table: PriceTable, region: str, instance_types: Iterable[str]) -> PriceTable:
    """The table with AWS's prices of these types in place of its own; NotFoundError where AWS lists none.

    `pricing` is a client of the price list. Of several prices, for endpoints and for jobs, the highest is taken.
    """
    found = {each: _price(pricing, region, each) for each in instance_types}
    return table.with_instances(found, region, SOURCE)


def _price(pricing: Any, region: str, instance_type: str) -> float:
    filters = [
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
        {"Type": "TERM_MATCH", "Field": "instanceName", "Value": instance_type},
    ]
    pages = pricing.get_paginator("get_products").paginate(ServiceCode=SERVICE, Filters=filters)
    products = (json.loads(product) for page in pages for product in page["PriceList"])
    prices = [price for product in products if _is_ours(product, instance_type) for price in _on_demand(product)]
    if not prices:
        raise NotFoundError(
            f"AWS's price list has no instance type {instance_type!r} for endpoints or jobs in {region}: "
            "choose another one, or leave --current out"
        )
    return max(prices)


def _is_ours(product: Mapping[str, Any], instance_type: str) -> bool:
    use, _, of = product["product"]["attributes"].get("usagetype", "").partition(":")
    return of == instance_type and use.rpartition("-")[2] in USES


def _on_demand(product: Mapping[str, Any]) -> Iterator[float]:
    """Prices of an hour in dollars; what is free is a trial's, not a price."""
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            if price := float(dimension["pricePerUnit"].get("USD", 0)):
                yield price
