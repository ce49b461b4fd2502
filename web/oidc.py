"""Log-in by the utility's OpenID provider: authorization code with PKCE, and an ID token that is checked.

What must come back from the provider is kept in a cookie of the browser that left for it; the verifier never
leaves for the provider before the code does.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx2
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.errors import ForbiddenError, InfrastructureError
from core.settings import Settings

ALGORITHMS = ("RS256", "PS256", "ES256", "RS384", "RS512", "ES384", "ES512", "Ed25519", "EdDSA")
"""Signatures by a key pair only: none, and none by a shared secret."""
KEPT = timedelta(hours=1)
LEEWAY_S = 60
TIMEOUT_S = 5.0
PLACES = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Trip(msgspec.Struct, frozen=True):
    """What the browser keeps while its owner is at the provider."""

    state: str
    nonce: str
    verifier: str
    next: str

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier: its SHA-256."""
        return _base64(hashlib.sha256(self.verifier.encode()).digest())

    def packed(self) -> str:
        """Return it as the text of a cookie."""
        return _base64(msgspec.json.encode(self))


@dataclass(frozen=True)
class Identity:
    """Who the provider says it is; the e-mail only where the provider has verified it."""

    subject: str
    email: str | None


def trip(next_: str) -> Trip:
    """Return a new trip to the provider."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Trip(state, nonce, verifier, next_)


def unpacked(text: str) -> Trip | None:
    """Return the trip of a cookie; None where there is none."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=Trip)
    except (ValueError, msgspec.MsgspecError):
        return None


class Provider:
    """The utility's provider. What it says of itself, and its keys, are kept for an hour."""

    def __init__(self, settings: Settings) -> None:
        self._issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._secret = settings.oidc_client_secret.get_secret_value()
        self.back = settings.public_url.rstrip("/") + "/login/oidc/back"
        self.label = settings.oidc_label
        self._about: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._until: datetime | None = None

    def address(self, going: Trip, now: datetime) -> str:
        """Return where the browser goes to sign in."""
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self.back,
            "scope": "openid email profile",
            "state": going.state,
            "nonce": going.nonce,
            "code_challenge": going.challenge,
            "code_challenge_method": "S256",
        }
        place = self._read(now)["authorization_endpoint"]
        return f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}"

    def identity(self, going: Trip, answer: Mapping[str, str], now: datetime) -> Identity:
        """Return who has come back with this answer.

        Raises ForbiddenError where the answer is not the provider's to this trip, InfrastructureError where
        the provider is away.
        """
        if not secrets.compare_digest(answer.get("state", "").encode(), going.state.encode()):
            raise _refused("the answer belongs to another log-in")
        if answer.get("iss", self._issuer) != self._issuer:
            raise _refused("the answer came from another provider")
        if "error" in answer or not answer.get("code"):
            raise _refused(f"the provider said {answer.get('error', 'nothing')[:100]!r}")
        given = self._tokens(going, answer["code"], now)
        claims = self._claims(str(given.get("id_token", "")), going.nonce, now)
        subject = str(claims["sub"])
        if not {"email", "email_verified"} <= claims.keys():
            claims |= self._about_user(given, subject, now)
        verified = claims.get("email_verified") in (True, "true")
        email = claims.get("email")
        return Identity(subject, email if verified and isinstance(email, str) else None)

    def _tokens(self, going: Trip, code: str, now: datetime) -> dict[str, Any]:
        about = self._read(now)
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": going.verifier,
        }
        methods = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = bool(self._secret) and "client_secret_basic" in methods
        if not basic:
            sent |= {"client_id": self._client_id} | ({"client_secret": self._secret} if self._secret else {})
        auth = (_quoted(self._client_id), _quoted(self._secret)) if basic else None
        return _asked("POST", about["token_endpoint"], data=sent, auth=auth)

    def _claims(self, token: str, nonce: str, now: datetime) -> dict[str, Any]:
        """Return what an ID token says, once its signature, issuer, audience, times and nonce are proved."""
        needs = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = self._signed(token, now)
            needs.validate(claims)
        except (JoseError, ValueError, KeyError) as problem:
            raise _refused(f"its token does not hold: {problem}") from None
        whole = claims["aud"] in (self._client_id, [self._client_id])
        if claims.get("azp", self._client_id if whole else None) != self._client_id:
            raise _refused("its token is for another party")
        return claims

    def _signed(self, token: str, now: datetime) -> dict[str, Any]:
        """Return the claims of a token that a key of the provider's signed; new keys are asked for once."""
        for fresh in (False, True):
            if fresh or self._keys is None:
                self._keys = KeySet.import_key_set(_asked("GET", self._read(now)["jwks_uri"]))  # type: ignore[arg-type]
            try:
                return dict(jwt.decode(token, self._keys, list(ALGORITHMS)).claims)
            except (JoseError, ValueError, KeyError):
                if fresh:
                    raise
        raise AssertionError

    def _about_user(self, given: dict[str, Any], subject: str, now: datetime) -> dict[str, Any]:
        place = self._read(now).get("userinfo_endpoint")
        if not place or not given.get("access_token"):
            return {}
        said = _asked("GET", place, headers={"Authorization": f"Bearer {given['access_token']}"})
        if said.get("sub") != subject:
            raise _refused("it speaks of somebody else")
        return {name: said[name] for name in ("email", "email_verified") if name in said}

    def _read(self, now: datetime) -> dict[str, Any]:
        if self._until is None or self._until < now:
            about = _asked("GET", self._issuer.rstrip("/") + "/.well-known/openid-configuration")
            if about.get("issuer") != self._issuer:
                raise InfrastructureError(
                    f"The OpenID provider calls itself {about.get('issuer')!r}.",
                    cure="Set HEADWATER_OIDC_ISSUER to exactly that.",
                )
            if missing := [place for place in PLACES if not isinstance(about.get(place), str)]:
                raise InfrastructureError(f"The OpenID provider does not say its {', '.join(missing)}.")
            self._about, self._keys, self._until = about, None, now + KEPT
        return self._about


def _asked(method: str, url: str, **more: Any) -> dict[str, Any]:
    try:
        answer = httpx2.request(method, url, timeout=TIMEOUT_S, follow_redirects=False, **more)
        if 400 <= answer.status_code < 500 and method == "POST":
            raise _refused("it did not take the code")
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=dict[str, Any])
    except (httpx2.HTTPError, httpx2.InvalidURL, msgspec.MsgspecError) as problem:
        raise InfrastructureError(
            f"The OpenID provider did not answer as it should: {problem}.", cure="Try again in a moment."
        ) from None


def _refused(why: str) -> ForbiddenError:
    return ForbiddenError(f"Signing in by the provider did not work: {why}.", cure="Sign in again.")


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _quoted(text: str) -> str:
    return urlencode({"": text})[1:]
