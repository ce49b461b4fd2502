"""A small OpenID provider over HTTP, strict: PKCE, one use of a code, the exact way back."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "head:water", "s3cret/+ %"


@dataclass
class FakeProvider:
    """What it knows and whom it signs in; `bend` and `key` spoil its tokens."""

    back: str
    now: int
    issuer: str = ""
    subject: str = "u-17"
    email: str = "anna@example.com"
    verified: bool = True
    public: bool = False
    bend: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "a"}))
    signer: RSAKey | None = None
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def get(self, path: str, query: dict[str, str], headers: Any) -> tuple[int, Any, str]:
        match path:
            case "/.well-known/openid-configuration":
                places = {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/keys",
                    "userinfo_endpoint": f"{self.issuer}/me",
                }
                return 200, places, ""
            case "/keys":
                return 200, KeySet([self.key]).as_dict(private=False), ""
            case "/authorize":
                fine = (
                    query["response_type"] == "code"
                    and query["client_id"] == CLIENT
                    and query["redirect_uri"] == self.back
                    and query["code_challenge_method"] == "S256"
                    and "openid" in query["scope"].split()
                )
                if not fine:
                    return 400, {"error": "invalid_request"}, ""
                code = secrets.token_urlsafe(8)
                self.codes[code] = query
                given = {"code": code, "state": query["state"], "iss": self.issuer}
                return 302, {}, f"{self.back}?{urlencode(given)}"
            case "/me" if headers["Authorization"] == "Bearer t":
                return 200, {"sub": self.subject, "email": self.email, "email_verified": self.verified}, ""
        return 404, {}, ""

    def post(self, form: dict[str, str], headers: Any) -> tuple[int, Any]:
        begun = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if begun is None or form["redirect_uri"] != begun["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != begun["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        pair = base64.b64encode(f"{quote(CLIENT, '')}:{quote(SECRET, '').replace('%20', '+')}".encode())
        known = form.get("client_id") == CLIENT if self.public else False
        if not known and headers["Authorization"] != f"Basic {pair.decode()}":
            return 401, {"error": "invalid_client"}
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": self.subject,
            "iat": self.now,
            "exp": self.now + 300,
            "nonce": begun["nonce"],
        } | self.bend
        signer = self.signer or self.key
        token = jwt.encode({"alg": "RS256", "kid": signer.kid}, claims, signer)
        return 200, {"access_token": "t", "token_type": "Bearer", "id_token": token}


@contextmanager
def provider(back: str, now: int) -> Iterator[FakeProvider]:
    """Serve one on loopback; `back` is the one way back that it knows."""
    made = FakeProvider(back, now)

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            made.asked.append(parts.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self._answer(*made.get(parts.path, query, self.headers))

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(*made.post({k: v[0] for k, v in parse_qs(raw).items()}, self.headers))

        def _answer(self, status: int, said: Any, place: str = "") -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            if place:
                self.send_header("Location", place)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        made.issuer = f"http://127.0.0.1:{server.server_address[1]}"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield made
        finally:
            server.shutdown()
            serving.join()
