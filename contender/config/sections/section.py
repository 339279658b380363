"""What every section of contender.yaml is, and the kinds of values that several hold."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _number_or_text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or value == "":
        raise ValueError(f"should be a number or text, not {value!r}: write text in quotes, as the data spells it")
    return value


Share = Annotated[float, Field(gt=0, lt=1)]
Columns = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)]
FacetValue = Annotated[int | float | str, BeforeValidator(_number_or_text)]
FacetValues = Annotated[tuple[FacetValue, ...], Field(strict=False)]
InstanceType = Annotated[str, Field(pattern=r"^ml\.")]


class Section(BaseModel):
    """Keys with values; one that it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
