"""Standards: code lists, crosswalks, limits, working calendars and deadlines; data and pure functions."""
