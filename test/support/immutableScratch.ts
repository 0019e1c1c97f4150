import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { GetObjectRetentionCommand, ListObjectVersionsCommand, type ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import * as z from 'zod';
import type { CliResult } from './cli.ts';
import { backUp, createPolicy, restorePointOf } from './cliExpect.ts';
import { type AlertDocument, alertDocument, type BackupDocument } from './cliShapes.ts';
import { compareTrees } from './compareTrees.ts';
import { ScratchState } from './daemon.ts';
import { S3AttackersHand } from './servers/s3AttackersHand.ts';
import { type MadeBucket, owner, type S3Identity, s3Client } from './servers/s3Server.ts';

export interface ImmutableScratchOptions {
  readonly bucket: MadeBucket;
  /** Where the daemon reaches the bucket, such as a proxy; default: the bucket's own endpoint. */
  readonly endpoint?: string;
  /** The daemon's credentials; default: those of the bucket's owner. */
  readonly identity?: S3Identity;
  readonly protectionPeriodDays?: number;
  /** Parent of the scratch folder. */
  readonly parent?: string;
}

/** One version as the bucket holds it, with what the store says of its lock. */
export interface HeldVersion {
  readonly key: string;
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
  readonly mode: string | null;
  readonly until: Date | null;
}

const prefix = 'vault';

/** A user of the built command line with an immutable location "store" in a bucket of a real server, and a look at that bucket beside the daemon. */
export class ImmutableScratch implements AsyncDisposable {
  readonly scratch: ScratchState;
  readonly bucket: MadeBucket;
  /** What the policy "files" backs up. */
  readonly source: string;
  readonly identity: S3Identity;
  readonly protectionPeriodDays: number;
  readonly endpoint: string;
  readonly #copies = new Map<string, string>();
  #restores = 0;

  constructor({ bucket, endpoint = bucket.endpoint, identity = owner, protectionPeriodDays = 7, parent }: ImmutableScratchOptions) {
    this.scratch = new ScratchState(parent);
    this.bucket = bucket;
    this.endpoint = endpoint;
    this.identity = identity;
    this.protectionPeriodDays = protectionPeriodDays;
    this.source = this.scratch.makeFolder('source');
  }

  /** A file with the daemon's keys, as `--credentials-file` takes it. */
  keysFile({ accessKeyId, secretAccessKey }: Pick<S3Identity, 'accessKeyId' | 'secretAccessKey'> = this.identity): string {
    const file = path.join(this.scratch.folder, `keys-${randomBytes(4).toString('hex')}`);
    writeFileSync(file, JSON.stringify({ accessKeyId, secretAccessKey }), { mode: 0o600 });
    return file;
  }

  /** The arguments that add the location. */
  adding(name = 'store', endpoint: string = this.endpoint): string[] {
    const place = ['--bucket', this.bucket.name, '--region', this.bucket.region, '--endpoint', endpoint, '--prefix', prefix];
    const period = ['--protection-period', String(this.protectionPeriodDays)];
    return ['location', 'add', 's3', name, ...place, '--credentials-file', this.keysFile(), ...period];
  }

  /** Set up, with the location and, where wanted, the policy "files" over the source. */
  async setUp(options: { readonly withPolicy?: boolean } = {}): Promise<void> {
    await this.scratch.json(z.looseObject({}), ['init', '--passphrase-file', this.scratch.passphraseFile]);
    const added = await this.scratch.cli(this.adding());
    assert.equal(added.status, 0, `${added.stdout}${added.stderr}`);
    if (options.withPolicy ?? true) await createPolicy(this.scratch, 'files', [this.source]);
  }

  write(name: string, content: string | Uint8Array): void {
    writeFileSync(path.join(this.source, name), content);
  }

  /** The id of the restore point that a whole backup made. */
  async backUp(): Promise<string> {
    return restorePointOf(await this.backedUp());
  }

  /** One whole backup, and a copy of what it was made from. */
  async backedUp(): Promise<BackupDocument> {
    const document = await backUp(this.scratch, 'files');
    const copy = path.join(this.scratch.folder, `copy-${this.#copies.size}`);
    const { status, stderr } = spawnSync('cp', ['-a', this.source, copy], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    this.#copies.set(restorePointOf(document), copy);
    return document;
  }

  /** Restores all of it into an empty folder and compares with what it was made from; the differences, of which there should be none. */
  async restoreDifferences(restorePoint: string): Promise<readonly string[]> {
    const expected = this.#copies.get(restorePoint) ?? this.source;
    this.#restores += 1;
    const target = path.join(this.scratch.folder, `restored-${this.#restores}`);
    const result = await this.scratch.cli(['restore', restorePoint, '--target', target]);
    if (result.status !== 0) return [`the restore ended with ${result.status}: ${result.stderr}`];
    const { differences } = compareTrees(expected, target);
    rmSync(target, { recursive: true, force: true });
    return differences;
  }

  async audit(): Promise<CliResult> {
    return await this.scratch.cli(['immutability', 'audit', '--json']);
  }

  /** Those that are open. */
  async alerts(): Promise<readonly AlertDocument[]> {
    return await this.scratch.json(z.array(alertDocument), ['alert', 'list']);
  }

  /** With the daemon's own credentials. */
  hand(): S3AttackersHand {
    return new S3AttackersHand(this.bucket, { prefix: `${prefix}/`, identity: this.identity });
  }

  /** Every version and marker of the bucket, and its lock as the store tells it to anybody. */
  async held(): Promise<readonly HeldVersion[]> {
    const client = s3Client(this.bucket.endpoint, owner, this.bucket.region);
    try {
      const found: HeldVersion[] = [];
      let from: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } | undefined = {};
      while (from !== undefined) {
        const page: ListObjectVersionsCommandOutput = await client.send(
          new ListObjectVersionsCommand({ Bucket: this.bucket.name, ...from }),
        );
        for (const { Key: key = '', VersionId: versionId = '' } of page.DeleteMarkers ?? [])
          found.push({ key, versionId, isDeleteMarker: true, mode: null, until: null });
        for (const { Key: key = '', VersionId: versionId = '' } of page.Versions ?? []) {
          const lock = await client
            .send(new GetObjectRetentionCommand({ Bucket: this.bucket.name, Key: key, VersionId: versionId }))
            .then(({ Retention }) => Retention)
            // The server says so of a version without a lock.
            .catch(() => undefined);
          found.push({ key, versionId, isDeleteMarker: false, mode: lock?.Mode ?? null, until: lock?.RetainUntilDate ?? null });
        }
        const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
        from =
          page.IsTruncated === true && KeyMarker !== undefined
            ? { KeyMarker, ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }) }
            : undefined;
      }
      return found;
    } finally {
      client.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scratch[Symbol.asyncDispose]();
  }
}
