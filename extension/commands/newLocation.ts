import { askNewLocation } from '../forms/location/newLocation.ts';
import { isReady } from '../forms/unlocked.ts';
import type { Services } from '../services.ts';

export async function newLocation(services: Services): Promise<void> {
  if (await isReady(services)) await askNewLocation(services);
}
