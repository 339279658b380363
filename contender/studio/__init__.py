"""The page where people look: pipelines, models, endpoints, rollouts and experiments of an account, or of a laptop.

request ─► access (who may, and what) ─► page ─► reading (AWS calls, few and counted) ─► view ─► template ─► HTML
                                                                                                    │
     the browser fetches the same address again, and changes only what is different  ◄──────────────┘ static/live.js

    app.py        the addresses, and what answers each
    pages/        one a page: parses the address, reads, answers with a template
    reading/      what pages show, from AWS: the only room that asks it to show something
    views/        the same made ready to be shown, from what was read alone
    charts/       kinds of charts, as data
    reports/      files that steps write, as tables and charts
    actions/      what forms do
    templates/    layout, and nothing else; static/ has styles and scripts, and those of others in static/vendor/

What all share lies beside them: access, login, acting and turns say who may and when, desk and kept how AWS is asked,
timing what that took, refusals, gaps and failures what is told when it says no or nothing, query what an address asks
for, rendering, formats and states how things are written.

It talks to AWS through boto3 alone, like everything of ours, so it shows a laptop as it shows an account.
"""
