import type { Catalog } from '../../daemon/catalog/catalog.ts';

/** Everything that the catalog gives, as one text: what two readings are compared by. */
export function dumpCatalog(catalog: Catalog): string {
  const locations = catalog.locations.list();
  const policies = catalog.policies.list({ includeDeleted: true });
  return JSON.stringify(
    {
      installation: catalog.installation.get(),
      passkeys: catalog.passkeys.list(),
      keyrings: catalog.keyrings.list(),
      copies: locations.map(({ locationId }) => catalog.keyrings.copiesAt(locationId)),
      locations,
      policies,
      points: catalog.restorePoints.list({ includeRetired: true }).items,
      ofPolicies: policies.map(({ policyId }) => catalog.restorePoints.list({ policyId }).items),
      objects: locations.map(({ locationId }) => [catalog.objects.list({ locationId }).items, catalog.objects.heldBytes(locationId)]),
      actions: catalog.actions.list().items,
      pinsLeft: catalog.runPins.left(),
      findings: catalog.actions.list().items.map(({ actionId }) => catalog.actions.findings(actionId, 'skipped').items),
      sequences: policies.map(({ policyId }) => catalog.sequences.last(`index/${policyId}`)),
    },
    (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value),
  );
}
