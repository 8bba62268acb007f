"""Drives our provider with idpyoidc, a relying party of another lineage, and prints one JSON line a check.

Usage: rp_second.py CONFIG.json. The browser here is requests with the session's cookie; it follows nothing by itself.
"""

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from cryptojwt.jwk.jwk import key_from_jwk_dict
from idpyoidc.client.rp_handler import RPHandler


def check(name: str, is_right: object, told: object = "") -> None:
    """Prints one check."""
    print(json.dumps({"name": name, "ok": bool(is_right), "told": str(told)}))  # noqa: T201 — the test reads it


def handler_of(config: dict[str, Any], client_id: str, method: str) -> RPHandler:
    """Returns a relying party that knows one provider."""
    keys = {"key_defs": [{"type": "EC", "crv": "P-256", "use": ["sig"]}]}
    client = {
        "issuer": config["issuer"],
        "client_id": client_id,
        "client_secret": config["secret"],
        "redirect_uris": [config["callback"]],
        "client_type": "oidc",
        "token_endpoint_auth_method": method,
        "token_endpoint_auth_methods_supported": [method],
        "client_authn_methods": [method],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "rights"],
        "id_token_signed_response_alg": "ES256",
        "key_conf": keys,
        "services": {
            "discovery": {"class": "idpyoidc.client.oidc.provider_info_discovery.ProviderInfoDiscovery"},
            "authorization": {"class": "idpyoidc.client.oidc.authorization.Authorization"},
            "accesstoken": {"class": "idpyoidc.client.oidc.access_token.AccessToken"},
            "userinfo": {"class": "idpyoidc.client.oidc.userinfo.UserInfo"},
            "end_session": {"class": "idpyoidc.client.oidc.end_session.EndSession"},
        },
        "add_ons": {
            "pkce": {
                "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
                "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
            }
        },
    }
    return RPHandler(config["callback"], client_configs={"hub": client}, httpc_params={"timeout": 5})


def sign_on(config: dict[str, Any], client_id: str, method: str) -> None:
    """Runs one whole sign-on."""
    handler = handler_of(config, client_id, method)
    url = handler.begin("hub")
    url = url if isinstance(url, str) else url["url"]
    cookies = {"Cookie": f"__Host-sanji={config['cookie']}"}
    back = requests.get(url, headers=cookies, allow_redirects=False, timeout=5)
    check(f"{method}: the browser comes back", back.status_code == 303, back.status_code)
    answer = dict(parse_qsl(urlsplit(back.headers["Location"]).query))
    found = handler.finalize(answer["iss"], answer)
    check(f"{method}: no error", "error" not in found, found.get("error", ""))
    token = found["id_token"]
    check(f"{method}: signed on", token["sub"] == config["sub"], token["sub"])
    check(f"{method}: signed with ES256", token.jws_header["alg"] == "ES256")
    check(f"{method}: for this client", token["aud"] == [client_id])
    check(f"{method}: user information", found["userinfo"]["sub"] == config["sub"] and found["userinfo"]["name"])
    check(f"{method}: rights arrive", token["grants"][0]["region"] == "431200", token["grants"])
    second = requests.post(
        f"{config['issuer']}/oidc/token", data={"grant_type": "authorization_code", "code": answer["code"]}, timeout=5
    )
    check(f"{method}: the code alone is nothing", second.status_code in {400, 401}, second.status_code)


def main() -> None:
    """Runs every check."""
    config = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    told = requests.get(f"{config['issuer']}/.well-known/openid-configuration", timeout=5).json()
    check("RS256 is in the metadata", "RS256" in told["id_token_signing_alg_values_supported"])
    keys = requests.get(told["jwks_uri"], timeout=5).json()["keys"]
    check("every published key is read", all(key_from_jwk_dict(key).kid for key in keys), len(keys))
    sign_on(config, config["clients"]["basic"], "client_secret_basic")
    sign_on(config, config["clients"]["post"], "client_secret_post")
    check("done", True)


if __name__ == "__main__":
    main()
