import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { readAwsKeyName } from '../../../protocol/awsKeyName.ts';
import { isAwsRegion } from '../../../protocol/awsSettings.ts';
import {
  awsCancelDeletionCommand,
  awsCreateSuccessorCommand,
  awsEnableCommand,
  awsMoveAliasCommand,
  awsScheduleDeletionCommand,
} from '../../../protocol/keyCommands.ts';
import { awsKeyPolicy } from '../../../protocol/keyPolicies.ts';
import { shellWord } from '../../../protocol/wording.ts';
import { runAwsCommand } from '../../support/awsCommand.ts';

const keyId = '12345678-1234-1234-1234-1234567890ab';
const keyArn = `arn:aws:kms:eu-west-1:111122223333:key/${keyId}`;
const place = { keyArn, region: 'eu-west-1', endpoint: null };

const shellCharacters = [
  'a',
  '=',
  "'",
  '"',
  '$',
  '\\',
  ' ',
  ';',
  '&',
  '|',
  '<',
  '>',
  '(',
  ')',
  '*',
  '?',
  '[',
  ']',
  '#',
  '~',
  '!',
  '{',
  '}',
  '-',
  '`',
  '\n',
  'ü',
];

describe('what names a key of AWS KMS', () => {
  it('is its ARN, an alias with or without account, or its id', () => {
    assert.deepEqual(readAwsKeyName(keyArn), { form: 'keyArn', arn: keyArn, region: 'eu-west-1' });
    assert.deepEqual(readAwsKeyName(keyId), { form: 'keyId', keyId });
    assert.deepEqual(readAwsKeyName('alias/a/b_c-d'), { form: 'alias', alias: 'alias/a/b_c-d' });
    const arn = 'arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/x';
    assert.deepEqual(readAwsKeyName(arn), { form: 'aliasArn', arn, region: 'us-gov-west-1', alias: 'alias/x' });
    const multi = `mrk-${'0'.repeat(32)}`;
    assert.deepEqual(readAwsKeyName(multi), { form: 'keyId', keyId: multi });
  });

  for (const text of [
    '',
    'backup',
    'alias/',
    `${keyArn} `,
    `${keyArn}\n`,
    keyArn.replace('kms', 's3'),
    keyArn.replace('111122223333', '1'),
    keyArn.replace('eu-west-1', 'evil.example.com'),
    `alias/${'a'.repeat(251)}`,
    "alias/a'b",
  ]) {
    it(`is not ${JSON.stringify(text.slice(0, 80))}`, () => assert.equal(readAwsKeyName(text), undefined));
  }

  it('lies in a region that can be part of a host’s name', () => {
    for (const region of ['eu-west-1', 'us-gov-east-1', 'eusc-de-east-1']) assert.ok(isAwsRegion(region), region);
    for (const region of ['', 'x', 'eu west', 'eu.west', 'eu-', '-eu', 'eu/', 'EU-west-1', 'a'.repeat(64)])
      assert.ok(!isAwsRegion(region), region);
  });
});

describe('commands for whoever runs AWS KMS', function () {
  before(function () {
    if (process.platform === 'win32') this.skip();
  });

  it('come out of a shell as the words that went in', () => {
    const word = fc.string({ unit: fc.constantFrom(...shellCharacters) });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
        assert.deepEqual(runAwsCommand(`aws ${words.map(shellWord).join(' ')}`), [words]);
      }),
      { numRuns: 30 },
    );
  });

  it('name the key by its ARN, the region, and the endpoint where there is one', () => {
    assert.deepEqual(runAwsCommand(awsScheduleDeletionCommand({ ...place, endpoint: 'https://kms.example.com' }, 30)), [
      [
        'kms',
        'schedule-key-deletion',
        '--key-id',
        keyArn,
        '--pending-window-in-days',
        '30',
        '--region',
        'eu-west-1',
        '--endpoint-url',
        'https://kms.example.com',
      ],
    ]);
    assert.deepEqual(runAwsCommand(awsMoveAliasCommand(place, 'alias/a')), [
      ['kms', 'update-alias', '--alias-name', 'alias/a', '--target-key-id', keyArn, '--region', 'eu-west-1'],
    ]);
    const enable = ['kms', 'enable-key', '--key-id', keyArn, '--region', 'eu-west-1'];
    assert.deepEqual(runAwsCommand(awsEnableCommand(place)), [enable]);
    assert.deepEqual(runAwsCommand(awsCancelDeletionCommand(place)), [
      ['kms', 'cancel-key-deletion', '--key-id', keyArn, '--region', 'eu-west-1'],
      enable,
    ]);
  });

  it('make a successor with the policy as it is then, and move the alias to it', () => {
    const command = awsCreateSuccessorCommand({
      ...place,
      tag: 'r-1',
      tags: [{ TagKey: 'team', TagValue: `it's "ours", $HOME` }],
      description: `the team's $(key)`,
      isMultiRegion: true,
      alias: 'alias/backup',
    });
    assert.deepEqual(runAwsCommand(command), [
      [
        'kms',
        'get-key-policy',
        '--key-id',
        keyArn,
        '--policy-name',
        'default',
        '--query',
        'Policy',
        '--output',
        'text',
        '--region',
        'eu-west-1',
      ],
      [
        'kms',
        'create-key',
        '--description',
        `the team's $(key)`,
        '--multi-region',
        '--tags',
        `[{"TagKey":"team","TagValue":"it's \\"ours\\", $HOME"},{"TagKey":"holdfast-successor-of","TagValue":"r-1"}]`,
        '--region',
        'eu-west-1',
        '--policy',
        '[get-key-policy]',
        '--query',
        'KeyMetadata.Arn',
        '--output',
        'text',
      ],
      ['kms', 'update-alias', '--alias-name', 'alias/backup', '--region', 'eu-west-1', '--target-key-id', '[create-key]'],
    ]);
  });

  for (const value of [
    'file:///home/me/.aws/credentials',
    'FILE:x',
    'fileb://x',
    'http://evil.example',
    'https://evil.example',
    '-x',
    '--cli-input-json',
  ]) {
    it(`have no value that the command line of AWS would load or take for an option: ${value}`, () => {
      const successor = { ...place, tag: 'r-1', tags: [], description: value, isMultiRegion: false, alias: null };
      const command = awsCreateSuccessorCommand(successor);
      assert.ok(!command.includes(value), command);
      assert.equal(command, awsCreateSuccessorCommand({ ...successor, description: '' }));
      const hostile = { keyArn: value, region: 'eu-west-1', endpoint: null };
      for (const make of [
        () => awsScheduleDeletionCommand(hostile, 30),
        () => awsCancelDeletionCommand(hostile),
        () => awsEnableCommand(hostile),
        () => awsMoveAliasCommand(hostile, 'alias/a'),
        () => awsMoveAliasCommand(place, value),
        () => awsEnableCommand({ ...place, region: value }),
        () => awsCreateSuccessorCommand({ ...successor, ...hostile }),
        () => awsCreateSuccessorCommand({ ...successor, alias: value }),
      ]) {
        assert.throws(make, RangeError);
      }
    });
  }
});

describe('the smallest policy for a key of AWS KMS', () => {
  const principal = 'arn:aws:iam::111122223333:role/backup';
  const { keyPolicyStatements, iamPolicy } = awsKeyPolicy({ keyArn, principal });

  it('allows four actions and no more, wrapping and unwrapping with our context alone', () => {
    for (const statements of [keyPolicyStatements, iamPolicy.Statement]) {
      assert.deepEqual(statements.flatMap(({ Action }) => Action).toSorted(), [
        'kms:Decrypt',
        'kms:DescribeKey',
        'kms:Encrypt',
        'kms:GetKeyRotationStatus',
      ]);
      for (const { Action, Condition } of statements) {
        const isBound = Condition?.StringEquals['kms:EncryptionContext:app'] === 'holdfast';
        assert.equal(isBound, !Action.includes('kms:DescribeKey'));
      }
    }
  });

  it('names the principal in the policy of the key, and the key in the policy of the principal', () => {
    assert.deepEqual(
      keyPolicyStatements.map(({ Principal, Resource }) => [Principal, Resource]),
      [
        [{ AWS: principal }, '*'],
        [{ AWS: principal }, '*'],
      ],
    );
    assert.deepEqual(
      iamPolicy.Statement.map(({ Principal, Resource }) => [Principal, Resource]),
      [
        [undefined, keyArn],
        [undefined, keyArn],
      ],
    );
  });
});
