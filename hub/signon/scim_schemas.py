"""What the SCIM door says about itself: what it can, which resources there are, and their attributes. Data only.

Source: RFC 7643, sections 5 to 7.
"""

from typing import Any

from hub.signon.scim import ENTERPRISE, MOST_RESULTS, USER

_CORE = "urn:ietf:params:scim:schemas:core:2.0:"


def provider_config(base: str) -> dict[str, Any]:
    """Returns ``/ServiceProviderConfig``."""
    return {
        "schemas": [f"{_CORE}ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MOST_RESULTS},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": False},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer",
                "description": "每平台一个密钥 / one secret for each platform",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }


def resource_types(base: str) -> list[dict[str, Any]]:
    """Returns ``/ResourceTypes``."""
    return [
        {
            "schemas": [f"{_CORE}ResourceType"],
            "id": "User",
            "name": "User",
            "endpoint": "/Users",
            "description": "用户 / people",
            "schema": USER,
            "schemaExtensions": [{"schema": ENTERPRISE, "required": False}],
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/User"},
        }
    ]


def schemas(base: str) -> list[dict[str, Any]]:
    """Returns ``/Schemas``: the attributes that are kept, and no others."""
    name = [_attribute(part) for part in ("formatted", "familyName", "givenName")]
    user = [
        _attribute("userName", required=True, mutability="immutable", uniqueness="server", caseExact=True),
        # A common attribute, told here because it is stricter than usual: people are known by it.
        _attribute("externalId", mutability="immutable", caseExact=True),
        _attribute("name", type="complex", subAttributes=name),
        _attribute("displayName"),
        {"name": "active", "type": "boolean", **_common("active"), "required": True},
    ]
    return [
        _schema(USER, "User", user, base),
        _schema(ENTERPRISE, "EnterpriseUser", [_attribute("department")], base),
    ]


def _schema(schema: str, name: str, attributes: list[dict[str, Any]], base: str) -> dict[str, Any]:
    return {
        "schemas": [f"{_CORE}Schema"],
        "id": schema,
        "name": name,
        "description": name,
        "attributes": attributes,
        "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{schema}"},
    }


def _common(name: str) -> dict[str, Any]:
    return {
        "multiValued": False,
        "description": name,
        "required": False,
        "mutability": "readWrite",
        "returned": "default",
    }


def _attribute(name: str, **changed: Any) -> dict[str, Any]:
    return {
        "name": name, "type": "string", **_common(name), "caseExact": False, "uniqueness": "none", **changed
    }  # fmt: skip
