"""A role's own /healthz and /metrics, for the orchestrator and for Prometheus."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from core.errors import SettingsError
from core.supervise import Supervisor


def serve(port: int, role: str, supervisor: Supervisor, *, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """Answer on `port` (0: any free one) in a daemon thread; 503 as soon as a thread is dead or stuck."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/healthz":
                problems = supervisor.problems()
                body = json.dumps({"role": role, "healthy": not problems, "problems": problems}).encode()
                self._answer(503 if problems else 200, "application/json", body)
            elif self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
            else:
                self._answer(404, "text/plain", b"Here are /healthz and /metrics.\n")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet: a probe every second is no news."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as problem:
        raise SettingsError(
            f"Port {port} for the health of `{role}` can't be opened: {problem.strerror}.",
            cure=f"Set HEADWATER_{role.upper()}_HEALTH_PORT to a free port, or to 0 for none.",
        ) from problem
    threading.Thread(target=server.serve_forever, name=f"{role}-health", daemon=True).start()
    return server
