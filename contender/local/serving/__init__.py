"""Endpoints: their operations, the processes that serve them, and the front that takes invocations."""
