"""What a hub tells of records on their way: lines of the log and spans of traces. Off unless the settings ask."""
