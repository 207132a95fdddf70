"""The verbs: one file per thing the broker does, each inside the one transaction it is handed.

What keeps the log, replays erasures, moves epochs or audits opens its own: many short ones, or a single look.
"""
