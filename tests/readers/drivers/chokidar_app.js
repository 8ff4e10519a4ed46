// An app that reads a file again whenever chokidar reports that `..data` is another: app.js TARGET FILE.
const fs = require('fs');
const path = require('path');
const chokidar = require('chokidar');

const [target, name] = process.argv.slice(2);
const read = () => console.log(fs.readFileSync(path.join(target, name), 'utf8').split('\n')[0]);

chokidar
  .watch(target, {depth: 0, followSymlinks: false, ignoreInitial: true})
  .on('all', (event, of) => path.basename(of) === '..data' && read())
  .on('ready', () => {
    console.log('watching');
    read();
  });
