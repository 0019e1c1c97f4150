import type { Services } from '../services.ts';

/**
 * One command. `args` is whatever the caller handed over: the editor gives a `Row` of a tree or a `Uri`, other extensions anything at all, so it is looked at
 * with `argument.ts` and never believed. What it rejects with is shown to the user.
 */
export type Command = (services: Services, args: readonly unknown[]) => Promise<void>;
