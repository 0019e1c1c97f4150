import { randomUUID } from 'node:crypto';

/** A fresh branded id. The program makes its ids where it makes the things; tests need some that belong to nothing. */
export function newId<Id extends string>(): Id {
  return branded<Id>(randomUUID());
}

function isId<Id extends string>(text: string): text is Id {
  return text.length > 0;
}

/** A text as an id, unchecked. */
export function branded<Id extends string>(text: string): Id {
  if (!isId<Id>(text)) throw new RangeError('an id is not empty');
  return text;
}
