"""The alert store: what holds now, everything that was ever said, and the evidence of each revision.

SQLite by default, PostgreSQL by URL. `opening` opens one, `writing` fills it, `reading` answers; `load` takes a replay's run.
"""
