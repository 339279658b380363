"""What is watched of an endpoint that serves: its requests, its answers, its variants, and who is told.

wishes        what the settings want watched
view          what there is of one endpoint: what serves, and what watches it
definitions   what a monitoring schedule runs, as AWS's requests
alarms        a dimension's alarms, as AWS's requests
plan          wishes and view ─► actions, pure
actions       what can be done about it, as data
observe       reading all of that
execute       doing it
baseline      a registered baseline made comparable with what endpoints capture
record        the script that names a captured row's columns, as Model Monitor runs it
stalled       rollouts that get nowhere, pure

findings      what an execution found, in sentences
told          who was told of it already
newest        a training with a dimension's newest upload
measure       one figure for CloudWatch

    executions    for people: the latest of each schedule, and one more right now
    truth         what became of predictions, as a file that SageMaker merges
"""
