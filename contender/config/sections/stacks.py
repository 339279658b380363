"""What all stacks of a project have in common: who holds the key of what is stored, and how long logs are kept."""

from __future__ import annotations

from typing import Literal

from contender.config.sections.section import Section


class Stacks(Section):
    """Settings that every template is told."""

    encryption: Literal["aws", "project"] = "aws"
    """Who holds the key that buckets, tables, queues and logs are encrypted with: AWS, or the project, whose key a
    team can watch and take away from whoever may no longer read. A project that has a key stays with it."""
    log_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
                      3288, 3653] = 30  # fmt: skip
    """Days that logs are kept; CloudWatch knows these numbers only."""
