/** Where a link to the daemon stands. */
export type LinkState =
  | { readonly name: 'connecting'; readonly attempt: number }
  | { readonly name: 'connected' }
  | { readonly name: 'waiting'; readonly attempt: number; readonly milliseconds: number }
  | { readonly name: 'stopped'; readonly reason: 'disposed' | 'refused' };

export type LinkEvent =
  | { readonly name: 'connected' }
  /** The connection was lost, or an attempt failed; `random` is in [0, 1). */
  | { readonly name: 'lost'; readonly random: number }
  /** Trying again cannot help: another version, or something that is not ours in the daemon's place. */
  | { readonly name: 'refused' }
  | { readonly name: 'waited' }
  | { readonly name: 'endpointChanged' }
  | { readonly name: 'disposed' };

const shortest = 100;
const longest = 10_000;

export const firstLinkState: LinkState = { name: 'connecting', attempt: 0 };

/** What follows from an event; the same object where nothing does. An endpoint file that changes cuts every wait short, and is a new chance after a refusal. */
export function nextLinkState(state: LinkState, event: LinkEvent): LinkState {
  if (state.name === 'stopped' && state.reason === 'disposed') return state;
  switch (event.name) {
    case 'disposed':
      return { name: 'stopped', reason: 'disposed' };
    case 'connected':
      return state.name === 'connecting' ? { name: 'connected' } : state;
    case 'refused':
      return state.name === 'connecting' ? { name: 'stopped', reason: 'refused' } : state;
    case 'lost':
      if (state.name === 'connecting') return waiting(state.attempt, event.random);
      return state.name === 'connected' ? waiting(0, event.random) : state;
    case 'waited':
      return state.name === 'waiting' ? { name: 'connecting', attempt: state.attempt + 1 } : state;
    case 'endpointChanged':
      return state.name === 'waiting' || state.name === 'stopped' ? { name: 'connecting', attempt: 0 } : state;
  }
}

/** Doubles from 100 ms to 10 s, and takes a random point in the upper half, so that many windows do not come back at the same moment. */
function waiting(attempt: number, random: number): LinkState {
  const ceiling = Math.min(longest, shortest * 2 ** (attempt + 1));
  return { name: 'waiting', attempt, milliseconds: Math.round(ceiling / 2 + (ceiling / 2) * random) };
}
