// Reads files that bundlesync shows, all of one moment. Copy this file into your app: Node 18, no packages.
//
//   const prompts = new Prompts('/prompts', ['section7/section7_master.md', 'section7/config.json']);
//   const text = prompts.files().get('section7/section7_master.md').toString(); // as often as you like
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

// Changes with everything that is shown, and never comes back: a rollback is a new view, too.
export const currentView = (target) => readlinkSync(join(target, '..data'));

// Gives { view, files }, files being a Map from name to Buffer, for names like 'template/path': files of one template
// are of one version, and several templates are of one moment. Throws when a file is not there.
// Synchronous, because these are small files in the page cache.
export function readPrompts(target, names, attempts = 5) {
  try {
    const view = currentView(target); // once: a second look could give the next version
    return { view, files: new Map(names.map((name) => [name, readFileSync(join(target, view, name))])) };
  } catch (error) {
    // Old views stay for a while. Whoever slept longer finds nothing, and looks for the new one.
    if (attempts <= 1 || !['ENOENT', 'ESTALE'].includes(error.code)) throw error;
    return readPrompts(target, names, attempts - 1);
  }
}

// Reads again when something has changed.
export class Prompts {
  #target;
  #names;
  #seen = { view: null, files: new Map() };

  constructor(target, names) {
    this.#target = target;
    this.#names = names;
  }

  files() {
    // A few microseconds: affordable on every request.
    if (currentView(this.#target) !== this.#seen.view) this.#seen = readPrompts(this.#target, this.#names);
    return this.#seen.files;
  }
}
