"""A fake ``kind`` and a fake ``docker`` for machines without Docker: programs that record what they are asked.

They are no Kind: they answer as kind 0.30 and Docker 28 do, from a folder, and their cluster's API is a small HTTP
server in this process that holds nodes and takes one kind of patch. What only Docker can show is in
``tests/kind/test_real.py``.
"""

import json
import stat
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KIND = """#!{python} -SE
import json, pathlib, sys
home = pathlib.Path({home!r})
words = sys.argv[1:]
with (home / "asked.jsonl").open("a") as file:
    file.write(json.dumps(["kind", *words]) + "\\n")
def flag(name):
    return words[words.index(name) + 1] if name in words else None
def clusters():
    return sorted(p.stem for p in home.glob("*.cluster"))
what, name = words[:2], flag("--name")
if what == ["get", "clusters"]:
    print("\\n".join(clusters()) or "No kind clusters found.", file=sys.stdout if clusters() else sys.stderr)
elif what == ["create", "cluster"]:
    given = json.loads(sys.stdin.read())
    if (home / "fails").exists():
        sys.exit("Creating ...\\nERROR: failed to create cluster: " + (home / "fails").read_text())
    (home / (name + ".cluster")).write_text(json.dumps(given))
    pathlib.Path(flag("--kubeconfig")).write_text((home / "kubeconfig").read_text())
elif what == ["delete", "cluster"]:
    (home / (name + ".cluster")).unlink(missing_ok=True)
elif what == ["get", "kubeconfig"]:
    print((home / "kubeconfig").read_text(), end="")
elif what == ["get", "nodes"]:
    nodes = json.loads((home / (name + ".cluster")).read_text())["nodes"]
    print("\\n".join(name + "-" + str(i) for i in range(len(nodes))))
elif what != ["load", "docker-image"]:
    sys.exit("ERROR: unknown command " + " ".join(words))
"""
DOCKER = """#!{python} -SE
import json, pathlib, sys
home = pathlib.Path({home!r})
words = sys.argv[1:]
with (home / "asked.jsonl").open("a") as file:
    file.write(json.dumps(["docker", *words]) + "\\n")
if (home / "docker-down").exists():
    sys.exit("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
if words[0] == "info":
    print((home / "memory").read_text())
elif words[:2] == ["image", "inspect"] and words[2] not in (home / "images").read_text().split():
    sys.exit("Error response from daemon: No such image: " + words[2])
elif words[0] == "start":
    (home / "stopped").unlink(missing_ok=True)
elif words[0] == "stop":
    (home / "stopped").touch()
"""


class FakeKind:
    """Both programs in one folder, which leads the PATH; and the API of the clusters that they say they have."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.bin = home / "bin"
        self.bin.mkdir(parents=True)
        for name, text in {"kind": KIND, "docker": DOCKER}.items():
            program = self.bin / name
            program.write_text(text.format(python=sys.executable, home=str(home)))
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _api(self))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        (home / "kubeconfig").write_text(_kubeconfig(f"http://127.0.0.1:{self.server.server_port}"))
        (home / "memory").write_text(str(16 * 2**30))
        (home / "images").write_text("")
        self.claimed: dict[str, dict[str, str]] = {}

    def close(self) -> None:
        """Stop the API."""
        self.server.shutdown()
        self.server.server_close()

    def asked(self, *beginning: str) -> list[list[str]]:
        """What the programs were asked, of commands that begin so."""
        log = self.home / "asked.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [line for line in lines if line[: len(beginning)] == list(beginning)]

    def nodes(self) -> list[dict[str, Any]]:
        """The nodes of the one cluster, as its API shows them."""
        [file] = self.home.glob("*.cluster")
        ready = "False" if (self.home / "stopped").exists() else "True"
        return [
            {
                "metadata": {"name": f"{file.stem}-{number}", "labels": node.get("labels", {})},
                "status": {
                    "conditions": [{"type": "Ready", "status": ready}],
                    "capacity": {"cpu": "8", **self.claimed.get(f"{file.stem}-{number}", {})},
                },
            }
            for number, node in enumerate(json.loads(file.read_text())["nodes"])
        ]


def _api(kind: FakeKind) -> type[BaseHTTPRequestHandler]:
    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if (kind.home / "stopped").exists():
                self.close_connection = True  # as a container that stands still: nobody answers
                return
            self._answer({"items": kind.nodes()})

        def do_PATCH(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kind.claimed[self.path.split("/")[4]] = body["status"]["capacity"]
            self._answer({})

        def _answer(self, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Api


def _kubeconfig(server: str) -> str:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "fake", "cluster": {"server": server}}],
        "users": [{"name": "fake", "user": {}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        "current-context": "fake",
    }
    return json.dumps(document)
