"""Pipelines: definitions, their executions, and the engine that runs them.

parser.py       text → Definition (definition.py), or every problem with it, one line each
    parameters.py   declared, given at start        expressions.py  Get, Std:Join, Std:JsonGet
    paths.py        a.b['c'][0]                     arguments.py    a step's arguments against the Create* shape
    references.py   what expressions read           resolution.py   what they stand for when a step starts
    graph.py        who waits for whom
engine.py       every execution, one thread each: coordinator.py; and one a running step
    plan.py         what may start next, what never will, how it ended (pure)
    attempt.py      one step from its start to its end, with retries.py and caching.py
    iterations.py   a ForEach's body once an item, with selectors.py
    selection.py    a few steps only, on what an earlier execution left
    callbacks.py    tokens that somebody outside answers
    records.py      every transition in SQLite before anyone hears of it
steps/          one runner a step type
operations.py   the API: pipelines              executions.py   the API: executions, shown by listings.py
                                                tokens.py       asked twice, done once
"""
