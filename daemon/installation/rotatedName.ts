/** A name for the old slot of a rotation: `NAME@2026-01-02` or `NAME@v3`, made unique. */
export function nameOfRotated(name: string, mark: string, taken: ReadonlySet<string>): string {
  return unique(`${name}@${mark}`, taken);
}

/** A name for the new slot until it has been proved: only a crash in between leaves it for the user to see. */
export function nameWhileRotating(name: string, taken: ReadonlySet<string>): string {
  return unique(`${name} (new)`, taken);
}

function unique(base: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? base : `${base}.${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}
