// The packaged daemon with a look at its event loop. Its parent sends any message; the answer is the longest stall since the one before, in milliseconds.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const resolution = 1;
const histogram = monitorEventLoopDelay({ resolution });
histogram.enable();
process.on('message', () => {
  // Between two looks lies the resolution, stalled or not.
  process.send?.(Math.max(0, histogram.max / 1e6 - resolution));
  histogram.reset();
});
// Its channel to the parent keeps no daemon alive that was told to end.
process.channel?.unref();
const daemon = new URL('../dist/daemon/main.js', import.meta.url);
await import(daemon.href);
