"""From challenger to champion, or back: observe, decide, record, plan, execute.

Where to read on; what is pure names no client and no clock:

    tick           one pass over a dimension, and sweep over all of them
    observe        what is there: view (registry, endpoint), evidence and metrics (counts); it becomes an observation
    decide         pure, in the order that it is told there. A draft is changed by
                     serving      what the endpoint serves: taken over, settled, failed, withdrawn
                     commands     what a person asks
                     entering     who may begin: pins, the queue
                     progress     hooks, verdicts (judging), steps, approval, baking, draining; moves that lead on
                     shares       what each variant is to get
                   and ends as a decision, with a new state
    ledger         where decisions are written (documents is their JSON), told by story and made again by replay
    plan           pure: from what the state wants and what is there to actions; renewal takes other instances over
    execute        makes actions, or only remembers them
    hooks          a team's own validation
    spec           the settings that all of this goes by
"""
