"""Take away what a project made, in an order in which nothing makes anything anew, and nothing that it did not make.

    pushes held, core paused ─► other stacks ─► executions ─► what endpoints need ─► endpoints, configs, models
                ─► pipelines ─► core ─► delivery ─► log groups, code bucket
                ─► with the data also buckets, tables, registry, key

Every step is a Remover: it finds what is there now, by names that are parsed whole, and removes each; a step that
finds nothing is done. So it may be killed anywhere and run again, and a dry run is the finding without the removing.

remover.py      what a step is, and what it works on
stacks.py       the stacks, and who is asked to stand still
delivery.py     pushes that would deploy anew
executions.py   what runs, and the pipelines
endpoints.py    endpoints and what belongs to one
leftovers.py    what no stack owns: code, logs
data.py         what is kept unless it is asked for
run.py          all of them, in order
"""
