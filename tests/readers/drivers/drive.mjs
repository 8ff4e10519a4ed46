// Reads by the recipe until told to stop; tests/readers/driver.hpp has the contract.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [recipe, target, out, ...names] = process.argv.slice(2);
const { Prompts, readPrompts } = await import(pathToFileURL(recipe));

const kept = new Prompts(target, names);
const seen = new Set();
const count = { reads: 0, errors: 0, changes: 0 };
let last = null;

const keyOf = (files) => names.map((name) => files.get(name).toString('latin1')).join('\x1f');

function dump(folder, files) {
  for (const [name, data] of files) {
    mkdirSync(dirname(join(out, folder, name)), { recursive: true });
    writeFileSync(join(out, folder, name), data);
  }
}

function attempt(read) {
  try {
    const files = read();
    const key = keyOf(files);
    if (!seen.has(key)) {
      seen.add(key);
      dump(`seen-${seen.size}`, files);
    }
    return files;
  } catch (error) {
    count.errors += 1;
    console.error(error.message);
    return null;
  }
}

function readBothWays() {
  attempt(() => readPrompts(target, names).files);
  const files = attempt(() => kept.files());
  if (files !== null) {
    if (last !== null && keyOf(files) !== keyOf(last)) count.changes += 1;
    last = files;
  }
  count.reads += 1;
}

while (!existsSync(join(out, 'stop'))) readBothWays();
readBothWays();
if (last !== null) dump('last', last);
console.log(`reads=${count.reads} errors=${count.errors} changes=${count.changes}`);
