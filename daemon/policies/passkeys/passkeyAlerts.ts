import { idOf, type SlotId } from '../../../protocol/ids.ts';
import { type KeyAccess, keyAccessSchema } from '../../../protocol/keyServices.ts';
import { unattendedSource } from '../../../protocol/methods/unattended.ts';
import { minuteOf, shellWord } from '../../../protocol/wording.ts';
import type { AlertBook, Cause } from '../../alerts/alertBook.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { PasskeyRecord } from '../../catalog/passkeyStore.ts';
import type { ServiceKeyRecord } from '../../catalog/serviceKeyStore.ts';
import { GateFacts } from '../../installation/passkeys/gateFacts.ts';
import { isHandedOver, problemIn } from '../../installation/passkeys/passkeyRow.ts';
import { readableSlot } from '../../installation/slotOf.ts';
import { StoredSetting } from '../../installation/storedSetting.ts';
import { isPassing, type KeyProblem } from '../../keys/agent/keyProblem.ts';
import { endangeredWarning } from './endangeredKey.ts';
import { problemClause } from './problemWords.ts';
import { rotationTroubleIn } from './rotationTrouble.ts';
import { endsNow, isRunningOut } from './tokenLife.ts';
import { tokenOf } from './tokenRenewal.ts';

export interface PasskeyAlertsOptions {
  readonly alerts: AlertBook;
  readonly catalog: Catalog;
  readonly wallClock: () => Date;
  readonly isLocked: () => boolean;
}

type Told = Pick<Cause, 'severity' | 'message' | 'fix'> & Partial<Pick<Cause, 'detail' | 'safeUntil'>>;

/** What waiting can cure is told once it has lasted for so long, where another way in stands open. */
const lastsMs = 86_400_000;

/** What of a passkey the user must know, by the catalog and the clock alone. Each passkey has one alert at most: that its key is ended outside says that it fails. */
export class PasskeyAlerts {
  readonly #options: PasskeyAlertsOptions;
  readonly #gates: GateFacts;
  readonly #source: StoredSetting<unknown>;

  constructor(options: PasskeyAlertsOptions) {
    this.#options = options;
    this.#gates = new GateFacts(options.catalog);
    this.#source = new StoredSetting<unknown>(options.catalog.settings, 'unattended', unattendedSource);
  }

  /** All of them: time has passed, or one decides about another. */
  look(): void {
    const { alerts, catalog } = this.#options;
    const slotIds = new Set<string>(catalog.passkeys.list().map(({ slotId }) => slotId));
    for (const kind of ['passkeyFailing', 'keyEndangered'] as const) {
      for (const { subjectId } of alerts.raised(kind)) slotIds.add(subjectId);
    }
    for (const slotId of slotIds) this.#lookAt(idOf<SlotId>(slotId));
  }

  #lookAt(slotId: SlotId): void {
    const passkey = this.#options.catalog.passkeys.get(slotId);
    const isKept = passkey !== undefined && passkey.state !== 'retired';
    const endangered = isKept ? this.#endangered(passkey) : undefined;
    this.#say('keyEndangered', slotId, passkey, endangered);
    this.#say('passkeyFailing', slotId, passkey, isKept && endangered === undefined ? this.#failing(passkey) : undefined);
  }

  #endangered({ slotId, name, slot: json }: PasskeyRecord): Told | undefined {
    const service = this.#options.catalog.serviceKeys.get(slotId);
    const [slot, problem] = [readableSlot(json), problemIn(service)];
    if (slot === undefined || service === undefined || problem === null) return undefined;
    const access = keyAccessSchema.parse(JSON.parse(service.access));
    // Which keyrings hold the slot is read for a key that is ended alone.
    const warning = (): ReturnType<typeof endangeredWarning> => {
      const view = this.#gates.read();
      return endangeredWarning({ name, slot, access, problem, decision: view.decide(slotId), locked: view.openedBy(slotId) });
    };
    const told = isPassing(problem.kind) ? undefined : warning();
    return told && { ...told, severity: 'error', detail: problem.reason };
  }

  #failing(passkey: PasskeyRecord): Told | undefined {
    const { slotId, name, state } = passkey;
    const service = this.#options.catalog.serviceKeys.get(slotId);
    const problem = problemIn(service);
    if (problem !== null) return this.#problem(passkey, service, problem);
    if (state === 'failing') {
      return {
        severity: 'warning',
        message: `The passkey ${name} failed its last verification.`,
        fix: `Verify it again with "holdfast passkey verify ${shellWord(name)}", or add another one and retire it.`,
      };
    }
    return state === 'ready' ? (this.#token(passkey, service) ?? rotationTold(passkey, service)) : undefined;
  }

  #problem(passkey: PasskeyRecord, service: ServiceKeyRecord | undefined, problem: KeyProblem): Told | undefined {
    const { wallClock, isLocked } = this.#options;
    const { name, inUse, slotId } = passkey;
    const isOnlyWay = this.#isOnlyWay(slotId);
    const lasted = Math.abs(wallClock().getTime() - Date.parse(service?.problemSince ?? ''));
    if (isPassing(problem.kind) && !isOnlyWay && !(lasted >= lastsMs)) return undefined;
    const isGrave = isPassing(problem.kind) ? isOnlyWay && isLocked() : inUse || !this.#hasOtherReady(slotId);
    const command = problem.command === null ? '' : ` The command for it: ${problem.command}`;
    return {
      severity: isGrave ? 'error' : 'warning',
      message: `The passkey ${name} does not open: ${problemClause(problem)}.`,
      fix: `${problem.fix}${command}`,
      detail: problem.reason,
    };
  }

  #token({ slotId, name }: PasskeyRecord, service: ServiceKeyRecord | undefined): Told | undefined {
    const now = this.#options.wallClock();
    const token = tokenOf(service);
    if (!isRunningOut(token, service?.tokenStuckAt ?? null, now)) return undefined;
    return {
      severity: endsNow(token, now) && this.#isOnlyWay(slotId) ? 'error' : 'warning',
      message: `The token with which the passkey ${name} is opened ends on ${minuteOf(token.expiresAt)}, and it can not be renewed.`,
      fix: newTokenFix(name, service),
      safeUntil: token.expiresAt,
    };
  }

  /** Nothing else opens without anybody there. */
  #isOnlyWay(slotId: SlotId): boolean {
    const { catalog } = this.#options;
    if (this.#source.value !== undefined) return false;
    return !catalog.passkeys.list().some((other) => {
      const service = other.slotId !== slotId && other.state === 'ready' ? catalog.serviceKeys.get(other.slotId) : undefined;
      return service !== undefined && service.problem === null && !isHandedOver(service);
    });
  }

  #hasOtherReady(slotId: SlotId): boolean {
    return this.#options.catalog.passkeys.list().some((other) => other.slotId !== slotId && other.state === 'ready');
  }

  #say(kind: 'passkeyFailing' | 'keyEndangered', slotId: SlotId, passkey: PasskeyRecord | undefined, told: Told | undefined): void {
    const { alerts } = this.#options;
    if (told === undefined || passkey === undefined) alerts.resolve(kind, slotId);
    else alerts.raise({ ...told, kind, subjectId: slotId, subject: passkey.name, slotId });
  }
}

/** A file is read at each login; what is sealed, or in the daemon's environment, nobody can put another one in place of. */
function newTokenFix(name: string, service: ServiceKeyRecord | undefined): string {
  const access = accessOf(service);
  const verify = `holdfast passkey verify ${shellWord(name)}`;
  return access?.kind === 'vaultTransit' && access.login.method === 'tokenFile'
    ? `Write a new token into ${access.login.tokenFile}, then run "${verify}".`
    : `Give it a new one with "${verify} --token-file F".`;
}

/** The policy that `aws-policy` prints lets nobody read who may use a key that somebody else made, and without that it is not taken. */
function goesOn(service: ServiceKeyRecord | undefined): string {
  return accessOf(service)?.kind === 'awsKms'
    ? 'within a day it goes on by itself where it may read who may use the new key (kms:GetKeyPolicy, kms:ListGrants), and else asks you about that key, as with the smallest policy. At once:'
    : 'it goes on by itself within a day, or at once with';
}

function accessOf(service: ServiceKeyRecord | undefined): KeyAccess | undefined {
  return service === undefined ? undefined : keyAccessSchema.parse(JSON.parse(service.access));
}

function rotationTold({ name }: PasskeyRecord, service: ServiceKeyRecord | undefined): Told | undefined {
  const trouble = rotationTroubleIn(service);
  if (trouble === undefined || (service?.rotateEveryDays ?? null) === null) return undefined;
  const now = `"holdfast passkey rotate ${shellWord(name)}"`;
  return trouble.command === null
    ? {
        severity: 'warning',
        message: `The passkey ${name} was to be rotated by itself, and could not be.`,
        fix: trouble.fix ?? `Rotate it by hand: ${now}.`,
      }
    : {
        severity: 'warning',
        message: `The passkey ${name} was to be rotated by itself, and a step of that is for somebody else to do.`,
        fix: `Have this run: ${trouble.command} and ${goesOn(service)} ${now}.`,
      };
}
