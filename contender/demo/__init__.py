"""The stories that `contender demo` plays, each through the product's own ways.

main_job.py      from CSV files to champions, and a challenger beside each
challenges.py    three dimensions whose challengers are better, equal and worse, and the customers who show it
traffic.py       simulated customers: requests to the API, rewards some seconds later
experiment.py    those challengers, asked and judged until each rollout has ended
"""
