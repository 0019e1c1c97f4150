import { policyExport, policyImport } from '../../../protocol/methods/migration.ts';
import { findingsInline } from '../../../protocol/methods/values.ts';
import type { LocationService } from '../../installation/locationService.ts';
import type { PolicyService } from '../../policies/policyService.ts';
import type { PolicyMigration } from '../../recovery/migration/policyMigration.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

export function migrationHandlers(
  policies: PolicyService,
  locations: Pick<LocationService, 'resolve'>,
  migration: PolicyMigration,
): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(policyExport, {
      rule: async (params) => policies.refuseImported(policies.resolve(params.policy), 'export'),
      run: async ({ policy, expiresIn }, { openSecret }) => {
        const record = policies.resolve(policy);
        const { text, fingerprint, data } = migration.export(record, expiresIn);
        const { madeAt, expiresAt, keys } = data;
        const { policyId, name } = record;
        return { policyId, policy: name, fingerprint, madeAt, expiresAt, generations: keys.length, data: openSecret(text) };
      },
    }),
    handlerOf(policyImport, async (params, { secrets, signal }) => {
      const text = secrets.take(params.data);
      try {
        const location = locations.resolve(params.location);
        const { name, pollSeconds } = params;
        const { policy, fingerprint, added, gone, damaged } = await migration.import(text, { location, name, pollSeconds }, signal);
        return {
          policy: policies.describe(policy),
          fingerprint,
          added,
          gone,
          damaged: damaged.slice(0, findingsInline),
          damagedCount: damaged.length,
        };
      } finally {
        text.fill(0);
      }
    }),
  ];
}
