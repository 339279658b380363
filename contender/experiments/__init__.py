"""The mathematics of experiments: counts in, shares and verdicts out, with no clock, network or chance in it.

arms, latency            what was counted of a variant
evidence                 those counts by stretch of time in which the shares stayed, as the ledger keeps them
strategies               counts → shares (posterior: chances to be best; allocation: floor and warm-up;
                         forgetting: rewards that change)
assignment               experiment and user → variant
intervals, msprt, goal   how much better, with bounds that hold however often one looks
guardrails               what must not get worse
sample_ratio             whether users went where the shares sent them
judge                    all of it → a verdict: promote, roll back, hold, or ask a person (sentences: in words)
simulation, planning     what strategies and verdicts would come to, and how long a test will run (draws: whole batches)
off_policy               what other shares would have earned, told from a log
"""
