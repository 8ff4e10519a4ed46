"""An app that reads a file again whenever watchdog reports that `..data` is another: app.py TARGET FILE."""

import pathlib
import sys
import time

from watchdog.events import FileSystemEventHandler
from watchdog.observers import Observer

target, name = pathlib.Path(sys.argv[1]), sys.argv[2]


def read():
    print((target / name).read_text().splitlines()[0], flush=True)


class Data(FileSystemEventHandler):
    def on_any_event(self, event):
        if str(target / "..data") in (event.src_path, getattr(event, "dest_path", "")):
            read()


observer = Observer()
observer.schedule(Data(), str(target))
observer.start()
print("watching", flush=True)
read()
while True:
    time.sleep(60)
