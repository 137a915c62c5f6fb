"""A small Hugging Face Hub: the few endpoints that a folder upload speaks to, one repository, in memory."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Hub:
    """`files`: what the repository holds; `objects`: large files by digest, committed or not;
    `refuse`: how many large files are taken before every further one is refused."""

    files: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    created: list[dict] = field(default_factory=list)
    uploads: int = 0
    refuse: int = 1_000
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_):
        pass

    def answer(self, body, status=200):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_GET(self):
        if "/tree/" in self.path:
            entries = [
                {"type": "file", "path": name, "size": len(data), "oid": "0"}
                for name, data in self.hub.files.items()
            ]
            self.answer(entries)
        else:
            self.answer({"id": "me/rows", "sha": "0" * 40, "siblings": []})

    def do_PUT(self):
        data = self.body()
        if self.hub.uploads >= self.hub.refuse:
            self.answer({"error": "quota exceeded"}, 403)
            return
        self.hub.uploads += 1
        self.hub.objects[sha256(data).hexdigest()] = data
        self.answer({})

    def do_POST(self):
        data = self.body()
        if self.headers.get("Authorization") != "Bearer hf_right":
            self.answer({"error": "Invalid username or password."}, 401)
        elif self.path == "/api/repos/create":
            self.hub.created.append(json.loads(data))
            self.answer({"url": f"{self.hub.url}/datasets/me/rows", "id": "1"})
        elif self.path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            files = json.loads(data)["files"]
            modes = (
                {"path": f["path"], "uploadMode": _mode(f["path"]), "shouldIgnore": False} for f in files
            )
            self.answer({"files": list(modes)})
        elif self.path.endswith("/objects/batch"):
            self.answer({"transfer": "basic", "objects": [self.slot(o) for o in json.loads(data)["objects"]]})
        elif "/commit/" in self.path:
            for line in map(json.loads, data.decode().splitlines()):
                self.commit(line["key"], line["value"])
            self.answer(
                {
                    "success": True,
                    "commitOid": "1" * 40,
                    "commitUrl": f"{self.hub.url}/datasets/me/rows/commit/{1:040}",
                    "hookOutput": "",
                }
            )
        else:
            self.answer({"error": f"no {self.path}"}, 404)

    def slot(self, wanted):
        slot = {"oid": wanted["oid"], "size": wanted["size"]}
        if wanted["oid"] not in self.hub.objects:
            slot["actions"] = {"upload": {"href": f"{self.hub.url}/put/{wanted['oid']}", "header": {}}}
        return slot

    def commit(self, key, value):
        if key == "file":
            self.hub.files[value["path"]] = base64.b64decode(value["content"])
        elif key == "lfsFile":
            self.hub.files[value["path"]] = self.hub.objects[value["oid"]]
        elif key == "deletedFile":
            del self.hub.files[value["path"]]


def _mode(path: str) -> str:
    return "lfs" if path.endswith(".parquet") else "regular"


@contextmanager
def running() -> Iterator[Hub]:
    """A hub that listens while the block lasts."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
