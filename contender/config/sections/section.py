"""What every section of contender.yaml is, and the kinds of values that several hold."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _number_or_text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or value == "":
        raise ValueError(f"should be a number or text, not {value!r}: write text in quotes, as the data spells it")
    return value


def shaped(pattern: str, shape: str) -> AfterValidator:
    """Text that matches a pattern; `shape` says which in words."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"should be {shape}, not {value!r}")
        return value

    return AfterValidator(check)


Share = Annotated[float, Field(gt=0, lt=1)]
Columns = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)]
FacetValue = Annotated[int | float | str, BeforeValidator(_number_or_text)]
FacetValues = Annotated[tuple[FacetValue, ...], Field(strict=False)]
InstanceType = Annotated[str, shaped(r"ml\.[a-z0-9.-]+", "an instance type of SageMaker's, like ml.m5.large")]


class Section(BaseModel):
    """Keys with values; one that it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
