"""This hub as an OpenID provider for the platforms above and below it: narrow, and strict where it is not silent."""
