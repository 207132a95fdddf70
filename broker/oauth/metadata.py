"""What the server says of itself: RFC 8414, RFC 9728, SSF 1.0 and AuthZEN 1.0; members of RFC 9126, 9207, 9396."""

from __future__ import annotations

from collections.abc import Sequence

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from broker.core.client import SCOPES
from broker.core.delivery import Method
from broker.oauth.details import TYPE
from broker.oauth.models import AUTH_METHOD, GRANT_TYPES
from broker.proof.keys import ALGORITHM


def server_metadata(issuer: str, languages: Sequence[str]) -> dict[str, object]:
    """The document of ``/.well-known/oauth-authorization-server``."""
    document: dict[str, object] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "require_pushed_authorization_requests": True,
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "code_challenge_methods_supported": ["S256"],
        "authorization_details_types_supported": [TYPE],
        "authorization_response_iss_parameter_supported": True,
        "grant_management_endpoint": f"{issuer}/v1/grants",
        "grant_management_actions_supported": ["query", "revoke"],
        "status_list_aggregation_endpoint": f"{issuer}/status",
        "ui_locales_supported": list(languages),
    }
    for endpoint in ("token", "revocation"):
        document[f"{endpoint}_endpoint_auth_methods_supported"] = [AUTH_METHOD]
        document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = [ALGORITHM]
    return document


def resource_metadata(issuer: str) -> dict[str, object]:
    """The document of ``/.well-known/oauth-protected-resource``."""
    return {
        "resource": issuer,
        "authorization_servers": [issuer],
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
        "resource_documentation": f"{issuer}/",
    }


def transmitter_metadata(issuer: str) -> dict[str, object]:
    """The document of ``/.well-known/ssf-configuration`` (OpenID SSF 1.0 section 7.1)."""
    return {
        "spec_version": "1_0",
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "delivery_methods_supported": [method.value for method in Method],
        "configuration_endpoint": f"{issuer}/ssf/streams",
        "status_endpoint": f"{issuer}/ssf/status",
        "verification_endpoint": f"{issuer}/ssf/verify",
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
        "default_subjects": "ALL",
    }


def decision_point_metadata(issuer: str) -> dict[str, object]:
    """The document of ``/.well-known/authzen-configuration`` (AuthZEN Authorization API 1.0 section 9.1)."""
    return {
        "policy_decision_point": issuer,
        "access_evaluation_endpoint": f"{issuer}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{issuer}/access/v1/evaluations",
        "search_subject_endpoint": f"{issuer}/access/v1/search/subject",
        "search_resource_endpoint": f"{issuer}/access/v1/search/resource",
        "search_action_endpoint": f"{issuer}/access/v1/search/action",
    }


def check_metadata(issuer: str) -> None:
    """Let Authlib check the document against RFC 8414, once, at start."""
    if issuer.startswith("https:"):
        AuthorizationServerMetadata(server_metadata(issuer, ["en"])).validate()
