"""The hooks that Contender ships; `rollout.hooks` in contender.yaml names those that a rollout asks.

Each is a Lambda function of its own, `<project>-hook-<name>`, and an example of how a team writes one.
"""
