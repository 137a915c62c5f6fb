"""A small Hugging Face Hub: the few endpoints that a folder upload and hf:// speak to, one repository, in
memory."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote


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
        if status == 404:
            code = "RepoNotFound" if "Repository" in str(body) else "EntryNotFound"
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_GET(self):
        path, _, query = unquote(self.path).partition("?")
        if "/tree/" in path:
            under = path.partition("/tree/")[2].partition("/")[2]
            entries = self.tree(under, "recursive=true" in query.lower())
            self.answer(
                entries if entries or not under else {"error": "no such folder"},
                200 if entries or not under else 404,
            )
        elif "/resolve/" in path:
            self.file(path.partition("/resolve/")[2].partition("/")[2])
        elif path.endswith("/me/rows"):
            self.answer({"id": "me/rows", "sha": "0" * 40, "siblings": []})
        else:
            self.answer({"error": "Repository not found"}, 404)

    do_HEAD = do_GET  # noqa: N815 - the server looks for this name

    def tree(self, under, recursive):
        """The entries of a folder, those of the folders in it too if `recursive`."""
        files_there = {}
        for name, data in self.hub.files.items():
            if under and not name.startswith(f"{under}/"):
                continue
            folders, start = name.split("/")[:-1], len(under.split("/")) if under else 0
            for depth in range(start, len(folders)):
                folder = "/".join(folders[: depth + 1])
                files_there[folder] = {"type": "directory", "path": folder, "oid": "0"}
            files_there[name] = {"type": "file", "path": name, "size": len(data), "oid": "0"}
        depth = len(under.split("/")) + 1 if under else 1
        return [entry for name, entry in files_there.items() if recursive or len(name.split("/")) == depth]

    def file(self, name):
        """A file's bytes, or those of a range."""
        data = self.hub.files.get(name)
        if data is None:
            self.answer({"error": "Entry not found"}, 404)
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        start, stop = (int(asked[1]), int(asked[2] or len(data) - 1) + 1) if asked else (0, len(data))
        part = data[start:stop]
        self.send_response(206 if asked else 200)
        self.send_header("ETag", f'"{sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Content-Length", str(len(part)))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(data)}")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(part)

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
        elif "/paths-info/" in self.path:
            paths = parse_qs(data.decode()).get("paths") or json.loads(data)["paths"]
            self.answer([entry for entry in self.tree("", True) if entry["path"] in paths])
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
        elif key == "deletedFolder":
            for name in [
                entry for entry in self.hub.files if entry.startswith(value["path"].rstrip("/") + "/")
            ]:
                del self.hub.files[name]


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
