"""What a configuration costs per month on AWS: lines of quantity, unit price and product, from contender.yaml.

    prices.py        the dated table of AWS's prices in prices/, or one of your own; what it lacks is refused
    assumptions.py   what no setting says: requests, retrainings, minutes of a job. The command's options
    case.py          one configuration with a number of dimensions, and how a line is written
    serving.py pipelines.py rollouts.py experiments.py inference.py monitoring.py storage.py delivery.py
                     the lines of one part each
    bill.py          all lines, their sum, the biggest and what would lower them
    topologies.py    other ways to run the same models
    current.py       prices of instance types from AWS's price list

All but `prices.py` and `current.py` are pure. Volume discounts and free tiers are left out, so that every line is
proportional to what it counts. docs/cost.md says how each is computed.
"""
