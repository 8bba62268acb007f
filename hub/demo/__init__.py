"""A whole federation on one machine: for the demonstration, the end-to-end tests and the measurements."""
