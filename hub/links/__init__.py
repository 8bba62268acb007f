"""Operating links: watching, testing, pausing, bringing up to date, explaining."""
