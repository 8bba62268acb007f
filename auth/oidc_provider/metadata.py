"""What this provider says about itself. What is not offered is not named, so nobody counts on it.

Source: OpenID Connect Discovery 1.0; RFC 8414; RFC 9126; RFC 9207.
"""

from typing import Any

from auth.signing_keys import ALGORITHMS as SIGNING

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: With which a client may sign the assertion it proves itself by.
ASSERTION_ALGORITHMS = ("ES256", "RS256", "PS256", "Ed25519")
AUTH_METHODS = ("private_key_jwt", "client_secret_basic", "client_secret_post", "tls_client_auth")
SCOPES = ("openid", "profile", "rights")
#: What is told about a person under each scope.
CLAIMS = {
    "openid": ("sub", "auth_time", "acr"),
    "profile": ("name", "unit"),
    "rights": ("platform", "region", "hops", "grants"),
}


def discovery(issuer: str) -> dict[str, Any]:
    """Returns the document at ``/.well-known/openid-configuration``."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oidc/authorize",
        "token_endpoint": f"{issuer}/oidc/token",
        "userinfo_endpoint": f"{issuer}/oidc/userinfo",
        "jwks_uri": f"{issuer}/oidc/keys",
        "pushed_authorization_request_endpoint": f"{issuer}/oidc/par",
        "introspection_endpoint": f"{issuer}/oidc/introspect",
        "revocation_endpoint": f"{issuer}/oidc/revoke",
        "end_session_endpoint": f"{issuer}/oidc/logout",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", EXCHANGE],
        "subject_types_supported": ["public"],
        "scopes_supported": list(SCOPES),
        "claims_supported": ["iss", "aud", "exp", "iat", "sid", *(name for names in CLAIMS.values() for name in names)],
        "id_token_signing_alg_values_supported": list(SIGNING),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "select_account"],
        **_authentication(),
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "tls_client_certificate_bound_access_tokens": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "require_pushed_authorization_requests": False,
    }


def _authentication() -> dict[str, Any]:
    offered: dict[str, Any] = {}
    for name in ("token_endpoint", "introspection_endpoint", "revocation_endpoint"):
        offered[f"{name}_auth_methods_supported"] = list(AUTH_METHODS)
        offered[f"{name}_auth_signing_alg_values_supported"] = list(ASSERTION_ALGORITHMS)
    return offered
