"""An update says which variants automatic scaling has to let go of first: those that leave or get other instances."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from contender.endpoints import Serving, Slot
from contender.naming import Names
from contender.rollout.plan import released
from contender.rollout.spec import DimensionSpec, Instance, Spec
from contender.rollout.view import View

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SLOTS = tuple(Slot(f"v{number}", f"contender-SM-1-v{number}", 0.5, "ml.m5.large", 1) for number in (1, 2))
SERVING = Serving("contender-SM-1", "InService", "contender-SM-1-0123456789", "", SLOTS, "", NOW)
VIEW = View(Names("contender"), "SM-1", (), SERVING)
SPEC = Spec("", Instance("ml.m5.large", 1))


def test_a_variant_that_leaves_is_let_go_of() -> None:
    assert released(SPEC, VIEW, [1, 2]) == ()
    assert released(SPEC, VIEW, [2]) == ("v1",)


def test_a_variant_that_gets_other_instances_is_let_go_of() -> None:
    other = replace(SPEC, dimensions={"SM-1": DimensionSpec(instances={2: Instance("ml.m5.xlarge", 1)})})
    assert released(other, VIEW, [1, 2]) == ("v2",)


def test_a_variant_of_somebody_elses_that_leaves_is_let_go_of() -> None:
    blue = replace(SERVING, slots=(*SLOTS, Slot("blue", "other", 0.0, "ml.m5.large", 1)))
    assert released(SPEC, replace(VIEW, serving=blue), [1, 2]) == ("blue",)
