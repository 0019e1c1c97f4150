import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../support/cli.ts';

export interface SourceFile {
  /** From the checkout's root, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface ImportFact {
  readonly from: string;
  /** A file of ours from the checkout's root, or a package's specifier. */
  readonly to: string;
  readonly isOurs: boolean;
  /** Erased before anything runs. */
  readonly isTypeOnly: boolean;
  /** Names that are taken, without `type` and `as …`; empty for a whole module. */
  readonly names: readonly string[];
}

function read(file: string): SourceFile {
  return { path: file.replaceAll(path.sep, '/'), text: readFileSync(path.join(root, file), 'utf8') };
}

/** All TypeScript files below the given folders. */
export function sourcesBelow(...folders: readonly string[]): readonly SourceFile[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }))
    .toSorted()
    .map(read);
}

/** Files that are committed or would be: what git does not ignore; binary ones are left out. Without git: everything but what is installed, built or made. */
export function keptFiles(): readonly SourceFile[] {
  const names = existsSync(path.join(root, '.git'))
    ? execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).split('\0')
    : globSync(['*.*', '.ci/*', '{bench,cli,client,daemon,docs,protocol,scripts,test,wasm}/**/*.*'], { cwd: root });
  return names
    .filter((name) => name !== '' && existsSync(path.join(root, name)))
    .map(read)
    .filter(({ text }) => !text.includes('\0'));
}

/** The source without comments; strings stay. Line breaks stay too. */
export function withoutComments(text: string): string {
  return text.replaceAll(
    /('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|(?<![:\\/])\/\/[^\n]*/g,
    (_, literal?: string) => literal ?? '',
  );
}

const statement = /^(?:import|export)\s+(type\s+)?(?:([\w$]+)?\s*,?\s*)?(\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?)?\s*(?:from\s+)?'([^'\n]+)'/gm;
const call = /\bimport\(\s*'([^'\n]+)'\s*\)/g;

function factsOf(file: SourceFile): readonly ImportFact[] {
  const code = withoutComments(file.text);
  const fact = (specifier: string, isTypeOnly: boolean, names: readonly string[]): ImportFact => {
    const isOurs = specifier.startsWith('.');
    return {
      from: file.path,
      to: isOurs ? path.posix.join(path.posix.dirname(file.path), specifier) : specifier,
      isOurs,
      isTypeOnly,
      names,
    };
  };
  const statements = [...code.matchAll(statement)].map(([, type, , clause = '', specifier = '']) => {
    const parts = clause.startsWith('{')
      ? clause
          .slice(1, -1)
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== '')
      : [];
    const names = parts.map((part) => part.replace(/^type\s+/, '').replace(/\s+as\s+.*$/, ''));
    return fact(specifier, type !== undefined || (parts.length > 0 && parts.every((part) => part.startsWith('type '))), names);
  });
  return [...statements, ...[...code.matchAll(call)].map(([, specifier = '']) => fact(specifier, false, []))];
}

export function importsOf(files: readonly SourceFile[]): readonly ImportFact[] {
  return files.flatMap(factsOf);
}
