/** In their order; each goes on from what the one before left in the folder. */
export const recoverySteps = ['prepare', 'bundle', 'delta', 'expand', 'restore', 'open'] as const;
export type RecoveryStep = (typeof recoverySteps)[number];

export interface RecoveryFigures {
  readonly seconds: number;
  /** Of the process, its start included. */
  readonly cpuSeconds: number;
  /** Peak resident memory of the process. */
  readonly peakBytes: number;
  /** Of the event loop, milliseconds. */
  readonly longestBlock: number;
  readonly made: string;
}

export function isRecoveryStep(text: string): text is RecoveryStep {
  return recoverySteps.some((step) => step === text);
}
