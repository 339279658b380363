"""What happened in a dimension's rollout, as one HTML file that needs nothing else.

events (requests, rewards) ┐
ledger (decisions)         ├─► records ─► series (numbers over time) ─► figures (SVG) ─► page (HTML)
answers (score and truth)  ┘
"""
