import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { packageExtension } from '../../scripts/package.ts';
import { root } from '../support/cli.ts';
import { readZip } from '../support/zip.ts';

const largest = 2 * 1024 * 1024;
const budget = [
  '@aws-sdk/client-kms',
  '@aws-sdk/client-s3',
  '@aws-sdk/credential-providers',
  '@noble/ciphers',
  'commander',
  'croner',
  'env-paths',
  'ignore',
  'node-vault',
  'tar-stream',
  'vscode-jsonrpc',
  'ws',
  'zod',
];

const manifest = z.looseObject({
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
  scripts: z.record(z.string(), z.string()),
  allowScripts: z.record(z.string(), z.boolean()),
});
const lock = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({
      dev: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      optional: z.boolean().optional(),
      hasInstallScript: z.boolean().optional(),
      link: z.boolean().optional(),
      integrity: z.string().optional(),
    }),
  ),
});

describe('the packaged extension', () => {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'hf-package-'));
  const file = path.join(scratch, 'holdfast.vsix');
  let bytes = 0;

  before(async () => {
    ({ bytes } = await packageExtension({ out: file }));
  });
  after(() => rmSync(scratch, { recursive: true }));

  it('V5: is the same, byte for byte, whoever packs it, where and when', async () => {
    const second = path.join(scratch, 'second.vsix');
    const zone = process.env['TZ'];
    const mask = process.umask(0o077);
    try {
      process.env['TZ'] = 'Pacific/Auckland';
      await packageExtension({ out: second });
    } finally {
      process.umask(mask);
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
    assert.ok(readFileSync(file).equals(readFileSync(second)));
  });

  it('V1: holds bundles and texts only: no modules, nothing native, no sources, no paths of a machine, under 2 MB', () => {
    assert.ok(bytes < largest, `${bytes} bytes`);
    const files = readZip(readFileSync(file));
    const allowed =
      /^(\[Content_Types\]\.xml|extension\.vsixmanifest|extension\/(package(\.nls(\.[\w-]+)?)?\.json|readme\.md|changelog\.md|LICENSE\.txt|dist\/(extension|daemon|cli)\/[\w.-]+\.js|media\/[\w./-]+\.(svg|png|md)|docs\/images\/overview-light\.png|l10n\/[\w.-]+\.json))$/;
    assert.deepEqual(
      [...files.keys()].filter((name) => !allowed.test(name)),
      [],
    );
    for (const name of ['extension/extension.js', 'daemon/main.js', 'daemon/worker.js', 'daemon/keyAgent.js', 'cli/main.js']) {
      assert.ok(files.has(`extension/dist/${name}`), name);
    }
    for (const [name, content] of files) {
      assert.ok(!content.includes('sourceMappingURL='), `${name} names a source map`);
      for (const place of [root, os.homedir()]) assert.ok(!content.includes(`${place}/`), `${name} names ${place}`);
    }
  });
});

describe('what an installation brings along', () => {
  const { dependencies, allowScripts, scripts } = manifest.parse(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')));
  const packages = Object.entries(lock.parse(JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'))).packages).filter(
    ([name]) => name !== '',
  );

  it('V1: depends on the packages of the budget and on no others, each pinned', () => {
    assert.deepEqual(Object.keys(dependencies).toSorted(), budget);
    assert.deepEqual(
      Object.entries(dependencies).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)),
      [],
    );
  });

  it('V1: runs no script of a package, and every package has its digest in the lock', () => {
    assert.deepEqual(
      Object.entries(allowScripts).filter(([, isAllowed]) => isAllowed),
      [],
    );
    const withScript = packages
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([name]) => name.replace(/^.*node_modules\//, ''));
    assert.deepEqual(
      [...new Set(withScript)].filter((name) => !Object.hasOwn(allowScripts, name)),
      [],
    );
    assert.deepEqual(
      Object.keys(scripts).filter((name) => /^(pre|post)?(install|prepare|publish)/.test(name)),
      [],
    );
    assert.deepEqual(
      packages.filter(([, { integrity, link }]) => integrity === undefined && link !== true).map(([name]) => name),
      [],
    );
  });

  it('V1: has nothing native among what the product uses', () => {
    const shipped = packages.filter(([, { dev, devOptional, optional }]) => dev !== true && devOptional !== true && optional !== true);
    assert.ok(shipped.length >= budget.length);
    const native = shipped.flatMap(([name]) =>
      readdirSync(path.join(root, name), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.node$|(^|\/)binding\.gyp$/.test(file))
        .map((file) => path.join(name, file)),
    );
    assert.deepEqual(native, []);
  });
});
