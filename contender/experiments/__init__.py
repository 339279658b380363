"""The mathematics of experiments: counts in, shares and verdicts out, with no clock, network or chance in it.

arms, latency        what was counted of a variant
evidence             those counts by stretch of time in which the shares stayed, as the ledger keeps them
strategies           counts → shares
assignment           experiment and user → variant
intervals, msprt     how much better, with a bound that holds however often one looks
expected_loss        the same asked of a posterior
sample_ratio         whether users went where the shares sent them
guardrails           what must not get worse
verdict              all of it → promote, roll back, hold or ask a person
"""
