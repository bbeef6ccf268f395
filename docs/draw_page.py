"""Photograph the page that `minigrad demo` writes, in the middle of its backward pass.

Run it from anywhere: ``python docs/draw_page.py``.  It needs Chromium.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import minigrad as mg
from minigrad.cli.demo import recorded

browser = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
target = Path(__file__).with_name("page.png")
with tempfile.TemporaryDirectory() as folder:
    title = "batch norm, and the ways of its gradient"
    page = mg.render(recorded(), f"{folder}/bn.html", title=title, paths=["mean", "variance"], wrt="x")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--window-size=1280,800",
    ]
    address = f"{page.as_uri()}#step=18"
    subprocess.run([browser, *options, f"--screenshot={target}", address], check=True, timeout=60)
print(target)
