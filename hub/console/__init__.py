"""The pages for people, rendered here, without scripts; loopback only until there is sign-on."""
