"""Letting a platform in from the browser: invitation, certificate, transport, mapping, conformance run, go live."""
