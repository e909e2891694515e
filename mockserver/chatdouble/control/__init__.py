"""The control API under ``/_chatdouble/``: sessions, rules and journals for any language."""
