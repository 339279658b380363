"""The page where people look: pipelines, models, endpoints, rollouts and experiments of an account, or of a laptop.

request ─► access (who may, and what) ─► page ─► reading (AWS calls, few and counted) ─► template ─► HTML
                                                                                          │
     the browser fetches the same address again, and changes only what is different ◄────┘ static/live.js

It talks to AWS through boto3 alone, like everything of ours, so it shows a laptop as it shows an account.
"""
