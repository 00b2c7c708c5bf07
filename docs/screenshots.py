#!/usr/bin/env python3
"""Takes the pictures of a lab at work that the README shows: docs/lab-light.png, lab-dark.png and lab-390.png.

    cargo build --release
    docs/screenshots.py

Needs Debian's chromium and chromium-driver, and nothing else: the driver speaks WebDriver (W3C) over HTTP. Each picture is
of a lab of its own, taken when one node is asleep and counted down by the others, another loses datagrams, and a PRIME is
on its way. PROGRAM may be set to take them of another build.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

DOCS = pathlib.Path(__file__).resolve().parent
PROGRAM = os.environ.get("PROGRAM", str(DOCS.parent / "target/release/mersenned"))
NODES = 5
PATIENCE = 120
LARGEST = 400_000

PICTURES = [
    # file, width, height, colours
    ("lab-light.png", 1280, 1010, "light"),
    ("lab-dark.png", 1280, 1010, "dark"),
    ("lab-390.png", 390, 844, "light"),
]


def ask(url, body=None, method=None):
    """The JSON that comes back."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{url}: {error.code} {error.read().decode()[:500]}") from error


def free_ports(count):
    """The first of so many ports in a row that are free now."""
    for first in range(24_300, 60_000, count):
        try:
            for port in range(first, first + count):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with socket.socket(socket.AF_INET, kind) as one:
                        one.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise SystemExit("there are no free ports")


class Lab:
    """A lab, and what one can do to it."""

    def __enter__(self):
        self.page = free_ports(NODES + 1)
        arguments = ["lab", "--nodes", str(NODES), "--first-port", str(self.page + 1), "--seed", "7", "--", "--interval", "3s"]
        self.process = subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{self.page}/"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def node(self, place):
        return f"127.0.0.1:{self.page + 1 + place}"

    def do(self, what, place, **more):
        ask(self.url + "lab", {"do": what, "node": self.node(place), **more})


class Browser:
    """A headless Chromium with an empty profile."""

    def __enter__(self):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.driver.stdout:
            if found := re.search(r"successfully on port (\d+)", line):
                break
        else:
            raise SystemExit("chromedriver does not start")
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={self.profile.name}"]
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}}
        base = f"http://127.0.0.1:{found[1]}/session"
        self.session = f"{base}/{ask(base, wanted)['value']['sessionId']}"
        return self

    def __exit__(self, *_):
        try:
            ask(self.session, method="DELETE")
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.profile.cleanup()

    def devtools(self, command, **parameters):
        return ask(f"{self.session}/goog/cdp/execute", {"cmd": command, "params": parameters})["value"]

    def eval(self, expression):
        return ask(f"{self.session}/execute/sync", {"script": f"return {expression}", "args": []})["value"]

    def wait(self, what, expression, patience=PATIENCE):
        """Waits until an expression is true; whether it ever was."""
        deadline = time.monotonic() + patience
        while not self.eval(expression):
            if time.monotonic() > deadline:
                if patience == PATIENCE:
                    raise SystemExit(f"not seen within {PATIENCE} s: {what}")
                return False
            time.sleep(0.03)
        return True


MESHED = f"document.querySelectorAll('#mesh [data-edge][data-state=both]').length === {NODES * (NODES - 1) // 2}"
COUNTED = "[...document.querySelectorAll('#mesh .countdown')].filter((label) => label.textContent !== '').length >= 3"
SPREADS = "document.getElementById('mesh-note').textContent.includes('a PRIME spreads')"


def take(file, width, height, colours):
    with Lab() as lab, Browser() as browser:
        browser.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        browser.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colours}])
        wait_for_server(lab)
        ask(f"{browser.session}/url", {"url": lab.url})
        browser.wait("all nodes are each other's peers", MESHED)
        browser.wait("a PRIME has been heard by all others", f"document.querySelectorAll('#path [data-hop]').length >= {NODES}")
        lab.do("loss", 3, value=0.2)
        browser.eval(f"document.querySelector('#mesh [data-node=\"{lab.node(3)}\"]').dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))")
        for _ in range(10):
            lab.do("sleep", 1)
            browser.wait("the others count down", COUNTED)
            # Until they evict it there are four seconds for a PRIME to come by.
            if browser.wait("a PRIME is on its way", f"{COUNTED} && {SPREADS}", patience=3):
                break
            lab.do("wake", 1)
            browser.wait("all nodes are each other's peers again", MESHED)
        else:
            raise SystemExit("no PRIME came by while a node was counted down")
        picture = base64.b64decode(browser.devtools("Page.captureScreenshot", format="png")["data"])
    (DOCS / file).write_bytes(picture)
    print(f"{DOCS / file}: {len(picture) / 1000:.0f} kB")
    if len(picture) > LARGEST:
        raise SystemExit(f"{file} is larger than {LARGEST // 1000} kB")


def wait_for_server(lab):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(lab.url, timeout=5).close()
            return
        except OSError:
            if lab.process.poll() is not None:
                break
            time.sleep(0.1)
    raise SystemExit("the lab does not serve its page")


def main():
    for program, package in [("chromium", "chromium"), ("chromedriver", "chromium-driver")]:
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is not installed (apt-get install {package})")
    if not os.access(PROGRAM, os.X_OK):
        raise SystemExit(f"{PROGRAM} is missing (cargo build --release)")
    for picture in PICTURES:
        if len(sys.argv) < 2 or picture[0] in sys.argv[1:]:
            take(*picture)


if __name__ == "__main__":
    main()
