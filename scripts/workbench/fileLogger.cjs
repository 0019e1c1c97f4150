// Stands in for `@vscode/spdlog`, which would have to be compiled: the logs of the workbench and of its extensions, as files.
const { closeSync, mkdirSync, openSync, renameSync, writeSync } = require('node:fs');
const path = require('node:path');

const names = ['trace', 'debug', 'info', 'warning', 'error', 'critical'];

class Logger {
  #file;
  #maxBytes;
  #level = 2;
  #isPlain = false;
  #descriptor;
  #bytes = 0;

  constructor(_kind, _name, file, maxBytes) {
    mkdirSync(path.dirname(file), { recursive: true });
    this.#file = file;
    this.#maxBytes = maxBytes;
    this.#descriptor = openSync(file, 'a');
  }

  trace(text) {
    this.#write(0, text);
  }
  debug(text) {
    this.#write(1, text);
  }
  info(text) {
    this.#write(2, text);
  }
  warn(text) {
    this.#write(3, text);
  }
  error(text) {
    this.#write(4, text);
  }
  critical(text) {
    this.#write(5, text);
  }
  getLevel() {
    return this.#level;
  }
  setLevel(level) {
    this.#level = level;
  }
  setPattern() {}
  clearFormatters() {
    this.#isPlain = true;
  }
  flush() {}
  drop() {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #write(level, text) {
    if (level < this.#level || this.#descriptor === undefined) return;
    const time = new Date().toISOString().replace('T', ' ').slice(0, -1);
    const line = this.#isPlain ? text : `${time} [${names[level]}] ${text}\n`;
    if (this.#bytes > this.#maxBytes) {
      closeSync(this.#descriptor);
      renameSync(this.#file, `${this.#file}.1`);
      this.#descriptor = openSync(this.#file, 'a');
      this.#bytes = 0;
    }
    this.#bytes += writeSync(this.#descriptor, line);
  }
}

const create = (name, file, maxBytes, maxFiles) => Promise.resolve(new Logger('rotating', name, file, maxBytes, maxFiles));

exports.version = 1;
exports.setLevel = () => undefined;
exports.setFlushOn = () => undefined;
exports.Logger = Logger;
exports.createRotatingLogger = create;
exports.createAsyncRotatingLogger = create;
