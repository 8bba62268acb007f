"""The hub: takes records in, applies them, passes them on, counts them, and shows how it stands."""
