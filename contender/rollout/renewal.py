"""Existing endpoints take over what the settings say of instances and data capture by now.

A version that comes or leaves takes the endpoint's whole config from the settings; this is for an endpoint where
nobody does. It waits until nothing is rolled out, because shares cannot be moved while an endpoint changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from contender.naming import variant_name
from contender.rollout.actions import Action, UpdateEndpoint
from contender.rollout.plan import config_of, models_of, other_counts, released
from contender.rollout.spec import Spec
from contender.rollout.state import Phase, State
from contender.rollout.view import View


def renewal(spec: Spec, state: State, view: View, configs: Mapping[str, datetime]) -> tuple[Action, ...]:
    """The update that makes an endpoint as the settings say; nothing where it is, or where its config is a person's.

    `configs` are the endpoint's by creation. One that the endpoint was changed after, and does not serve, was tried
    and rolled back: it is tried again when `cleanup` has deleted it, in an hour.
    """
    serving, live = view.serving, view.live
    pinned = spec.pins(view.dimension).challengers
    stay = all(track.version in pinned and track.phase is Phase.RAMPING for track in state.active)
    idle = stay and not state.paused
    if serving is None or not serving.in_service or spec.dry_run or not idle or live.keys() != state.shares.keys():
        return ()
    if view.names.endpoint_of_config(serving.config) != view.endpoint or serving.config_created_at is None:
        return ()
    config = config_of(spec, view, live)
    captured = (config.capture.percent, config.capture.uri) if config.capture is not None else (0, "")
    types = {slot.variant: slot.instance_type for slot in serving.slots}
    same_types = types == {variant_name(number): spec.instance_of(view.dimension, number).type for number in live}
    counts = other_counts(spec, view, live)
    if same_types and not counts and captured == (serving.capture_percent, serving.capture_uri):
        return ()
    tried = configs.get(config.name)
    if tried is not None and tried <= serving.modified_at:
        return ()
    return (
        *models_of(view, live),
        config,
        UpdateEndpoint(serving.name, config.name, counts=counts, released=released(spec, view, live)),
    )
