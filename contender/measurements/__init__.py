"""What happened on the endpoints: the lines that report it, counting each exactly once, and what the counts are.

    API ─► event line ─► Firehose ─► S3 ─► queue ─► count ─► counters by experiment, variant and bucket of time
           events.py                                counting.py, recorder.py      counts.py, store.py

The same tables tell the API how an experiment shares its requests out: `settings.py`, `store.py`.
"""
