"""A proxy that leads whoever wants port 443 to the server.

MSAL for Python asks where a user is at home before it sends a password, and leaves the port out of that
address. The server under test has any port, so that no test needs to be root.
"""

import select
import socket
import socketserver
import threading
import urllib.parse

from server import URL


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        _, target, _ = self.rfile.readline().decode().split(" ")
        while self.rfile.readline().strip():
            pass
        host, _, port = target.rpartition(":")
        if port == "443":
            port = urllib.parse.urlsplit(URL).port
        with socket.create_connection((host, int(port))) as server:
            self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            self.connect(server)

    def connect(self, server):
        """Carries bytes both ways until one side ends."""
        others = {self.connection: server, server: self.connection}
        while True:
            ready, _, _ = select.select(list(others), [], [])
            for side in ready:
                data = side.recv(65536)
                if not data:
                    return
                others[side].sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


class Tunnel:
    """`with Tunnel() as address:` is the proxy's address while the body runs."""

    def __enter__(self):
        self._server = _Server(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
