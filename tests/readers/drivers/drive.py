"""Reads by the recipe until told to stop; tests/readers/driver.hpp has the contract."""
import importlib.util
import pathlib
import sys

recipe, target, out, *names = sys.argv[1:]
out = pathlib.Path(out)
spec = importlib.util.spec_from_file_location("prompts", recipe)
prompts = importlib.util.module_from_spec(spec)
spec.loader.exec_module(prompts)


def dump(folder, files):
    for name, data in files.items():
        (out / folder / name).parent.mkdir(parents=True, exist_ok=True)
        (out / folder / name).write_bytes(data)


class Driver:
    def __init__(self):
        self.kept = prompts.Prompts(target, names)
        self.seen = set()
        self.last = None
        self.reads = self.errors = self.changes = 0

    def note(self, files):
        key = tuple(files[name] for name in names)
        if key not in self.seen:
            self.seen.add(key)
            dump(f"seen-{len(self.seen)}", files)

    def attempt(self, read):
        try:
            files = read()
            self.note(files)
            return files
        except OSError as error:
            self.errors += 1
            print(error, file=sys.stderr)
            return None

    def read_both_ways(self):
        self.attempt(lambda: prompts.read_prompts(target, names)[1])
        files = self.attempt(self.kept.files)
        if files is not None:
            self.changes += self.last is not None and files != self.last
            self.last = files
        self.reads += 1


driver = Driver()
while not (out / "stop").exists():
    driver.read_both_ways()
driver.read_both_ways()
if driver.last is not None:
    dump("last", driver.last)
print(f"reads={driver.reads} errors={driver.errors} changes={driver.changes}")
