"""Evidence: the bytes of photos, sound and film that cases name. They travel apart from the cases, both ways."""
