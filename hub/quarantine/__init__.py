"""What people do about records in quarantine: rehearsing, replaying, correcting and discarding them."""
