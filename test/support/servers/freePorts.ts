import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

// Below the ports that systems give to outgoing connections, also with 10,000 added.
const [lowest, highest] = [11_000, 22_000];

/** So many ports of loopback that nothing listens on, each with its neighbour 10,000 above where `withTwin` is set. Somebody may be faster: try again with others. */
export async function freePorts(count: number, options: { readonly withTwin?: boolean } = {}): Promise<readonly number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = randomInt(lowest, highest);
    const isFree = (await canListen(port)) && (options.withTwin !== true || (await canListen(port + 10_000)));
    if (isFree) found.add(port);
  }
  return [...found];
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
