"""Reading what partners write into their databases: one reader a source, pages of changed rows, nothing lost.

``pages`` is what they all give. ``snapshot_log`` and ``claimed_log`` read the key log that capture's triggers fill,
``status_column`` and ``time_column`` tables that have none, ``refilling`` puts keys into the log once more.
"""
