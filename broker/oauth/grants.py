"""The two grants: a code behind a consent, and a client's own credentials."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant
from authlib.oauth2.rfc7636 import CodeChallenge

from broker.actions.read_grant import granted_details
from broker.core.consent import ConsentStatus
from broker.oauth.context import current_broker, current_transaction
from broker.oauth.models import AUTH_METHOD, ClaimedCode, GrantUser, OAuthClient
from broker.oauth.requests import BrokerRequest
from broker.oauth.tokens import LIFE
from broker.store.consents import find_consent
from broker.store.people import pairwise_name, sealer_of
from broker.store.tokens import Code, claim_code, revoke_token, save_code

CODE_LIFE = timedelta(seconds=60)


class S256Only(CodeChallenge):  # type: ignore[misc] # Authlib is untyped
    """PKCE for everyone, S256 only. Authlib asks it of public clients alone and takes ``plain``."""

    DEFAULT_CODE_CHALLENGE_METHOD = None
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: AuthorizationCodeGrant, redirect_uri: str) -> None:
        """Refuse a request without an S256 challenge."""
        parameters = grant.request.payload.data
        if not parameters.get("code_challenge") or parameters.get("code_challenge_method") != "S256":
            raise InvalidRequestError("A code_challenge with code_challenge_method S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)

    def validate_code_verifier(self, grant: AuthorizationCodeGrant, result: object) -> None:
        """Refuse an exchange without a verifier."""
        if not grant.request.form.get("code_verifier"):
            raise InvalidRequestError("A code_verifier is required.")
        super().validate_code_verifier(grant, result)


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc] # Authlib is untyped
    """A code for 60 s, once. Authlib redeems by query, save, delete: two racing exchanges would both win.

    Here reading the code is claiming it, in one statement; what comes later finds it used, and the token of the
    first use is revoked. The consent itself stands.
    """

    TOKEN_ENDPOINT_AUTH_METHODS = (AUTH_METHOD,)

    def generate_authorization_code(self) -> str:
        """256 random bits."""
        return current_broker().new_secret()

    def save_authorization_code(self, code: str, request: BrokerRequest) -> None:
        """Keep the code's hash with what it stands for, in the consent's own transaction."""
        user: GrantUser = request.user
        content = Code(
            account=user.account,
            client_id=request.client.get_client_id(),
            grant_id=user.grant_id,
            redirect_uri=request.payload.redirect_uri,
            scope=request.scope,
            challenge=request.payload.data["code_challenge"],
            expires_at=current_broker().now() + CODE_LIFE,
        )
        save_code(current_transaction(), code, content)

    def query_authorization_code(self, code: str, client: OAuthClient) -> ClaimedCode | None:
        """Claim the code; on a second use revoke what the first one got."""
        broker, tx = current_broker(), current_transaction()
        claimed, earlier = claim_code(
            tx, code, client_id=client.get_client_id(), token_id=broker.new_id(), now=broker.now()
        )
        if earlier is not None:
            revoke_token(tx, earlier, expires_at=broker.now() + LIFE)
        return ClaimedCode(claimed) if claimed else None

    def delete_authorization_code(self, authorization_code: ClaimedCode) -> None:
        """Nothing: the claim has ended it, and its row is what makes a second use visible."""

    def authenticate_user(self, authorization_code: ClaimedCode) -> GrantUser | None:
        """The person, as long as the consent still stands: nothing is issued on a withdrawn one."""
        broker, code = current_broker(), authorization_code.code
        record = find_consent(current_transaction(), code.account, code.grant_id)
        if record is None or record.status_at(broker.now()) is not ConsentStatus.GIVEN:
            return None
        if record.client_id != code.client_id:
            return None  # no code of ours is of another's consent
        pairwise = pairwise_name(sealer_of(current_transaction(), broker.sealer, code.account), code.client_id)
        return GrantUser(pairwise=pairwise, account=code.account, grant_id=code.grant_id, token_id=code.token_id)

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """The token, and what was granted: the person may have ticked less than was asked."""
        status, token, headers = super().create_token_response()
        user: GrantUser = self.request.user
        tx = current_transaction()
        record = find_consent(tx, user.account, user.grant_id)
        assert record is not None  # noqa: S101 - authenticate_user found it in this transaction
        details = granted_details(tx, current_broker(), record)
        return status, {**token, "grant_id": user.grant_id, "authorization_details": [details]}, headers


class OwnCredentialsGrant(ClientCredentialsGrant):  # type: ignore[misc] # Authlib is untyped
    """A token for the client itself, for the scopes it registered."""

    TOKEN_ENDPOINT_AUTH_METHODS = (AUTH_METHOD,)

    def validate_requested_scope(self) -> None:
        """All registered scopes when none is asked; never one that was not registered."""
        registered = self.request.client.client.registration.scopes
        asked = (self.request.payload.scope or " ".join(registered)).split()
        if not set(asked) <= set(registered):
            raise InvalidScopeError("A scope was asked that this client did not register.")
        self.request.payload.data["scope"] = " ".join(asked)
