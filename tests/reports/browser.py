"""A headless Chromium driven over its debugging pipe: open a page from disk, press keys, look."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
from pathlib import Path

_PATIENCE = 120  # seconds, for a busy machine


def find_chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """One Chromium with one tab. `events` holds what it told of its own accord: requests, errors, logs."""

    def __init__(self, command: str, folder: Path) -> None:
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        flags = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}", "--remote-debugging-pipe", "about:blank",
        ]  # fmt: skip
        # The browser reads from 3 and writes to 4. The shell moves them out of each other's way first.
        script = f'exec 8<&{commands} 9>&{answers}; exec 3<&8 4>&9 8<&- 9>&-; exec "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", command, *flags],
            pass_fds=(commands, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._held = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict] = []
        target = next(
            target_info
            for target_info in self.ask("Target.getTargets")["targetInfos"]
            if target_info["type"] == "page"
        )
        self._session = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)[
            "sessionId"
        ]
        for room in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{room}.enable")

    def ask(self, method: str, **parameters: object) -> dict:
        """One command and its answer."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._to, json.dumps(command).encode() + b"\0")
        while True:
            message = self._read()
            if message.get("id") == self._number:
                assert "error" not in message, (method, message["error"])
                return message["result"]
            self.events.append(message)

    def _read(self) -> dict:
        while b"\0" not in self._held:
            assert select.select([self._from], [], [], _PATIENCE)[0], "Chromium says nothing"
            more = os.read(self._from, 1 << 20)
            assert more, "Chromium went away"
            self._held += more
        message, _, self._held = self._held.partition(b"\0")
        return json.loads(message)

    def open(self, page: Path, fragment: str = "") -> None:
        """Load a page from disk and wait until its script has run; `events` are those of this page."""
        self.events.clear()
        self.ask("Page.navigate", url="about:blank")
        self._wait_for_load()
        self.events.clear()
        self.ask("Page.navigate", url=page.as_uri() + fragment)
        self._wait_for_load()

    def _wait_for_load(self) -> None:
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def value(self, expression: str) -> object:
        """What an expression is on the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press and let go of a key."""
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            self.ask(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, **(text if kind == "keyDown" else {})
            )

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """How large the window is, in pixels, and whether the person likes it dark."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """A screenshot (PNG), of the window or of the whole page."""
        answer = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def close(self) -> None:
        with contextlib.suppress(OSError, AssertionError):
            self._session = None
            self.ask("Browser.close")
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        os.close(self._from)
