import assert from 'node:assert/strict';
import { emptyAwsKey } from '../../../../../extension/forms/passkey/key/awsKeyDraft.ts';
import { isGoodKey, keyCheckChoices, keyVerdict } from '../../../../../extension/forms/passkey/key/keyChecks.ts';
import { emptyKey, type KeyDraft } from '../../../../../extension/forms/passkey/key/keyDraft.ts';
import { policiesToCopy } from '../../../../../extension/forms/passkey/key/policyToCopy.ts';
import { type Schedule, scheduleOf, schedulePlan, scheduleProblem } from '../../../../../extension/forms/passkey/key/rotationSchedule.ts';
import { whatHappens } from '../../../../../extension/forms/passkey/key/rotationText.ts';
import { gateReasons, gateVerdict, leakText, othersText } from '../../../../../extension/ui/gateText.ts';
import type { PasskeyCheck, PasskeyGate } from '../../../../../protocol/methods/passkeys.ts';

const arn = 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555';
const tomorrow = new Date(2026, 10, 22, 3, 0).toISOString();
const gate: PasskeyGate = {
  allowed: false,
  from: null,
  reasons: [],
  begins: false,
  isBegun: false,
  others: ['paper'],
  waysIn: 1,
  commands: [],
  opensKeyringsUntil: null,
  notes: [],
};

describe('the policy that a form has to copy', () => {
  const kms: KeyDraft = { ...emptyKey, kind: 'awsKms', aws: { ...emptyAwsKey, keyId: 'alias/backup', region: 'eu-west-1' } };

  it('is for the ARN of a KMS key alone: the one that was typed, or that an alias was found to name', () => {
    assert.deepEqual(policiesToCopy(kms, null), []);
    assert.deepEqual(policiesToCopy(emptyKey, null), []);
    const found = policiesToCopy(kms, { keyArn: arn });
    assert.deepEqual(found, policiesToCopy({ ...kms, aws: { ...kms.aws, keyId: arn } }, null));
    const [iam, statements] = found;
    assert.match(iam?.text ?? '', /"kms:Encrypt"[^]*"Resource": "arn:aws:kms:eu-west-1:123456789012:key/);
    assert.doesNotMatch(iam?.text ?? '', /kms:\*|Principal/);
    assert.match(statements?.text ?? '', /"AWS": "arn:aws:iam::123456789012:role\/HOLDFAST"/);
    assert.match(statements?.detail ?? '', /Put your user or role in/);
  });

  it('names the role that the passkey takes on', () => {
    const role = 'arn:aws:iam::999999999999:role/backup';
    const [, statements] = policiesToCopy({ ...kms, aws: { ...kms.aws, source: 'role', roleArn: role } }, { keyArn: arn });
    assert.match(statements?.text ?? '', /999999999999:role\/backup/);
    assert.match(statements?.detail ?? '', /999999999999:role\/backup/);
  });

  it('is for the one key of Vault', () => {
    const vault: KeyDraft = { ...emptyKey, kind: 'vaultTransit' };
    const [policy, ...more] = policiesToCopy(vault, null);
    assert.equal(more.length, 0);
    assert.match(policy?.text ?? '', /path "transit\/encrypt\/holdfast" \{\n {2}capabilities = \["update"\]/);
    assert.deepEqual(policiesToCopy({ ...vault, vault: { ...vault.vault, key: 'a"b' } }, null), []);
  });
});

function check(result: PasskeyCheck['result'], fix: string | null = null): PasskeyCheck {
  return { check: 'key', result, detail: 'it is so', fix };
}

describe('the checks of a key', () => {
  it('let it through where none failed and all were made', () => {
    assert.equal(isGoodKey([check('passed'), check('warning')]), true);
    assert.equal(isGoodKey([check('passed'), check('failed')]), false);
    assert.equal(isGoodKey([check('passed'), check('notChecked')]), false);
    assert.equal(keyVerdict([check('passed'), check('passed')]), 'all 2 checks passed');
    assert.equal(keyVerdict([check('passed'), check('warning')]), '1 of 2 checks need a look');
    assert.equal(keyVerdict([check('failed'), check('warning'), check('notChecked')]), '1 of 3 checks failed');
  });

  it('are shown the worst first, each with its way out behind it', () => {
    const shown = keyCheckChoices([check('passed', 'unused'), check('notChecked'), check('warning'), check('failed', 'Do this.')], 0);
    assert.deepEqual(
      shown.map(({ label, description = '', icon }) => [label, description, icon]),
      [
        ['Key', 'failed', 'error'],
        ['Do this.', '', 'lightbulb'],
        ['Key', 'needs a look', 'warning'],
        ['Key', 'not looked at', 'circle-slash'],
        ['Key', 'passed', 'pass'],
      ],
    );
    assert.equal(shown[0]?.detail, 'It is so');
  });
});

describe('when a passkey rotates by itself', () => {
  it('is told the daemon in days, as never, or not at all', () => {
    const plans: readonly (readonly [Schedule, string, number | null | undefined])[] = [
      [90, '', 90],
      ['asIs', '45', undefined],
      ['never', '45', null],
      ['other', '45', 45],
      ['other', '0', undefined],
    ];
    for (const [schedule, other, plan] of plans) assert.equal(schedulePlan({ schedule, other }), plan);
    for (const bad of ['0', '3651', '1.5', 'ten', '-1']) assert.match(scheduleProblem(bad) ?? '', /from 1 to 3,?650/);
    for (const good of ['1', ' 3650 ']) assert.notEqual(scheduleOf(good), undefined);
  });
});

describe('what a rotation is said to do', () => {
  it('tells the next version of a Vault key, and the next key or the newest material of KMS', () => {
    const vault = whatHappens({ kind: 'vaultTransit', name: 'main', reference: { mount: 'transit', key: 'hold\u202efast', version: 2 } });
    assert.match(vault[0] ?? '', /transit\/hold\\u202efast gets its next version.* it is at 2 here/);
    const kms = whatHappens({ kind: 'awsKms', name: 'main', reference: { alias: 'alias/backup' } });
    assert.match(kms[0] ?? '', /rotates by itself/);
    assert.match(kms[1] ?? '', /alias\/backup is moved to it/);
    const plain = whatHappens({ kind: 'awsKms', name: 'main', reference: { alias: null } });
    assert.doesNotMatch(plain.join(' '), /alias/);
    for (const sentences of [vault, kms, plain]) assert.match(sentences.at(-1) ?? '', /takes the name main and is in use/);
  });
});

describe('what the gate says', () => {
  it('is a date, or that somebody has to act, or that it can go', () => {
    assert.equal(gateVerdict({ ...gate, allowed: true, from: tomorrow }, 'old'), 'old can be retired now.');
    assert.equal(gateVerdict({ ...gate, from: tomorrow }, 'old'), 'old can be retired from 2026-11-22 03:00 on.');
    assert.match(gateVerdict(gate, 'old'), /waiting does not help/);
    assert.match(gateVerdict({ ...gate, begins: true }, 'old'), /not be retired yet.*once its retirement has begun/);
  });

  it('names what opens the backups then, and says where all of that is lost at once', () => {
    const told = (others: readonly string[], waysIn: number): string => othersText({ ...gate, others, waysIn }).join(' ');
    assert.equal(told(['paper', 'cloud\u202e'], 2), String.raw`What opens the backups then: paper, cloud\u202e.`);
    assert.match(told(['paper'], 1), /then: paper\. Only that one would be left/);
    assert.match(told(['office', 'office@v1'], 1), /then: office, office@v1\. All of these are of one key outside/);
  });

  it('has each reason with its end, and until when a leaked secret still opens keyrings', () => {
    const reasons = [
      { what: 'it is in use', until: null },
      { what: 'keyring 7 is locked and holds it', until: tomorrow },
    ];
    assert.deepEqual(gateReasons(reasons), ['It is in use.', 'Keyring 7 is locked and holds it, until 2026-11-22 03:00.']);
    assert.equal(leakText(gate), undefined);
    assert.match(leakText({ ...gate, opensKeyringsUntil: tomorrow }) ?? '', /until 2026-11-22 03:00/);
    assert.equal(leakText({ ...gate, notes: ['No date.', 'Nor that.'] }), 'No date. Nor that.');
  });
});
