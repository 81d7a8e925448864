# SPDX-License-Identifier: MIT
"""A headless Chromium: what a page comes to, and what it looks like."""
import os
import shutil
import signal
import subprocess

import png
from tap import Failure, Skip

NAMES = ("chromium", "chromium-browser", "google-chrome")
LIMIT = 300             # seconds; it takes two, but the host may be busy
WIDTH, HEIGHT = 1280, 900


def run(t, *arguments):
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise Skip("no Chromium here; get it with: make deps test")
    # Its sandbox does not work for root, nor in many a container; what it shows is ours.
    command = [program, "--headless=new", "--no-sandbox", "--hide-scrollbars", "--no-first-run", "--disable-extensions",
               "--disable-background-networking", "--disable-dev-shm-usage", "--enable-unsafe-swiftshader", f"--user-data-dir={t.path('browser')}",
               "--virtual-time-budget=4000", f"--window-size={WIDTH},{HEIGHT}", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    try:
        output, errors = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        raise Failure(f"Chromium does not end within {LIMIT} s") from None
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)      # its helpers
        except ProcessLookupError:
            pass
    return output.decode(errors="replace"), errors.decode(errors="replace")


def look(dark):
    return ["--blink-settings=preferredColorScheme=" + ("0" if dark else "1")]


def screenshot(t, address, dark=False):
    path = t.path("screenshot.png")
    _, errors = run(t, *look(dark), f"--screenshot={path}", address)
    if not os.path.exists(path):
        raise Failure(f"Chromium makes no screenshot: {errors[-500:]}")
    with open(path, "rb") as file:
        return png.Picture(file.read())


def dom(t, address, dark=False):
    output, errors = run(t, *look(dark), "--dump-dom", address)
    if "<html" not in output:
        raise Failure(f"Chromium shows nothing: {errors[-500:]}")
    return output
