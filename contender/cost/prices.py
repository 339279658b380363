"""The table of prices, dated and with its sources: AWS's in `prices/` beside this module, or one's own."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contender.errors import NotFoundError, SettingsError

SHIPPED = Path(__file__).parent / "prices" / "us-east-1.yaml"

Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Source = Annotated[str, Field(pattern=r"^https://")]


class Price(BaseModel):
    """What `per` units cost, and the page that says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    price: Amount
    per: Annotated[int, Field(ge=1)]
    unit: Annotated[str, Field(min_length=1)]
    source: Source


class Instances(BaseModel):
    """Prices of an hour on an instance, by its type."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Annotated[str, Field(min_length=1)]
    source: Source
    prices: dict[str, Amount]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    date: datetime.date
    region: str
    currency: str
    instances: Instances
    prices: dict[str, Price]


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices of one region on one day; `file` is where a missing one is to be added.

    `asked`: the region whose prices of instance types AWS was asked for.
    """

    file: Path
    date: datetime.date
    region: str
    currency: str
    instances: Instances
    prices: Mapping[str, Price]
    asked: str = ""

    def of(self, name: str) -> Price:
        """The price of this name; NotFoundError where the table has none."""
        if name not in self.prices:
            raise NotFoundError(f"{self.file} has no price of {name!r}: add it there, under prices")
        return self.prices[name]

    def instance(self, instance_type: str) -> Price:
        """An hour on this type; NotFoundError where the table has none."""
        if instance_type not in self.instances.prices:
            raise NotFoundError(
                f"{self.file} has no price of instance type {instance_type!r}: add it there, under instances, "
                "or ask AWS with --current"
            )
        instances = self.instances
        return Price(price=instances.prices[instance_type], per=1, unit=instances.unit, source=instances.source)

    def smaller(self, instance_type: str) -> str | None:
        """The next cheaper type of the same family, if the table has one."""
        price, family = self.instance(instance_type).price, instance_type.rpartition(".")[0]
        cheaper = {
            other: its
            for other, its in self.instances.prices.items()
            if other.rpartition(".")[0] == family and its < price
        }
        return max(cheaper, key=lambda other: cheaper[other]) if cheaper else None

    def with_instances(self, prices: Mapping[str, float], region: str, source: str) -> PriceTable:
        """The same with AWS's prices of instance types in this region in place of its own."""
        instances = Instances(unit=self.instances.unit, source=source, prices=dict(prices))
        return replace(self, instances=instances, asked=region)

    def age_days(self, today: datetime.date) -> int:
        return (today - self.date).days


def load_prices(file: Path = SHIPPED) -> PriceTable:
    """The table in this file; SettingsError, in one line, where it is none."""
    try:
        found = _File.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"table of prices {file} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"table of prices {file} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"table of prices {file}: {key or 'it'}: {first['msg']}; compare with {SHIPPED}") from error
    return PriceTable(file, found.date, found.region, found.currency, found.instances, found.prices)
