import { openCatalog } from '../../daemon/catalog/openCatalog.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { idOf, type LocationId } from '../../protocol/ids.ts';
import { someObject } from './catalog.ts';

// A process of its own that writes to a catalog, three rows and a sequence number a transaction, and says each number that it may rely on.
// Arguments: the catalog's path, the location's id, a name for its keys, how many transactions (0: until it is killed). When a transaction fails
// it says the code, tries three more times and says those codes too.
const [path = '', location = '', name = '', count = '0'] = process.argv.slice(2);
const rounds = count === '0' ? Number.POSITIVE_INFINITY : Number(count);
const locationId = idOf<LocationId>(location);
const catalog = openCatalog(path, { busyTimeout: 20_000 });

function write(): number {
  return catalog.transaction(() => {
    const sequence = catalog.sequences.next('keyring');
    for (const part of ['a', 'b', 'c']) catalog.objects.record(someObject(locationId, `${name}/${sequence}/${part}`, { size: sequence }));
    return sequence;
  });
}

let failures = 0;
for (let round = 1; round <= rounds && failures < 4; round += 1) {
  try {
    process.stdout.write(`${write()}\n`);
  } catch (error) {
    failures += 1;
    process.stdout.write(`${HoldfastError.is(error) ? error.code : String(error)}\n`);
  }
}
if (failures === 0) catalog.close();
