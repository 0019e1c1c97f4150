/** The process lives in another time zone until this is disposed. */
export function inTimeZone(zone: string): Disposable {
  const before = process.env['TZ'];
  process.env['TZ'] = zone;
  return {
    [Symbol.dispose]: () => {
      if (before === undefined) delete process.env['TZ'];
      else process.env['TZ'] = before;
    },
  };
}
