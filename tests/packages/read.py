#!/usr/bin/env python3
"""read.py TARGET   reads two files of each view of TARGET as fast as it can, until SIGTERM. Prints "reading" when it
begins, and at the end what it saw. Both files say which version they are of: a view that mixes versions shows."""
import os
import signal
import sys

target = sys.argv[1]
stopped = False


def stop(*_):
    global stopped
    stopped = True


signal.signal(signal.SIGTERM, stop)
print("reading", flush=True)
views = torn = missing = moves = 0
last = None
while not stopped:
    try:
        view = os.readlink(os.path.join(target, "..data"))
        said = [open(os.path.join(target, view, "letter", name)).readline() for name in ("a.md", "b.md")]
    except FileNotFoundError:
        missing += 1
        continue
    views += 1
    torn += said[0] != said[1]
    moves += last is not None and view != last
    last = view
print(f"views={views} moves={moves} torn={torn} missing={missing}")
