export { counted, number } from '../../protocol/wording.ts';

const sizeUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** Three figures and a binary unit: `0 B`, `999 B`, `1.50 KiB`, `12.3 MiB`, `980 GiB`. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < sizeUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const figures = unit === 0 ? String(Math.round(value)) : value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
  return `${figures} ${sizeUnits[unit] ?? ''}`;
}

/** `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.round(whole / 60);
  if (minutes < 1440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** How long ago, in one unit: `just now`, `5 min ago`, `in 3 d`. */
export function relative(time: Date, now: Date): string {
  const seconds = Math.round((now.getTime() - time.getTime()) / 1000);
  const distance = Math.abs(seconds);
  if (distance < 10) return 'just now';
  const text =
    distance < 60
      ? `${distance} s`
      : distance < 3600
        ? `${Math.floor(distance / 60)} min`
        : distance < 172_800
          ? `${Math.floor(distance / 3600)} h`
          : `${Math.floor(distance / 86_400)} d`;
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

/** Local time to the minute and how long ago: `2026-01-02 03:04 (5 min ago)`. `-` where there is none. */
export function moment(time: string | null, now: Date): string {
  if (time === null) return '-';
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  return `${stamp(date)} (${relative(date, now)})`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Local time to the minute: `2026-01-02 03:04`. */
export function stamp(date: Date): string {
  return `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** The local day of a time in words: `20 Dec`, in another year than this one `20 Dec 2027`. */
export function dayText(time: string, now: Date): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const year = date.getFullYear() === now.getFullYear() ? '' : ` ${date.getFullYear()}`;
  return `${date.getDate()} ${months[date.getMonth()] ?? ''}${year}`;
}

/** The first eight digits of an id: what people type. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}

/** `drwxr-x---` of an entry's kind and mode. */
export function permissions(kind: string, mode: number): string {
  const letters: Readonly<Record<string, string>> = { dir: 'd', link: 'l', fifo: 'p', socket: 's', char: 'c', block: 'b' };
  const bits = Array.from('rwxrwxrwx', (letter, index) => ((mode & (0o400 >> index)) === 0 ? '-' : letter));
  const special: readonly (readonly [number, number, string])[] = [
    [0o4000, 2, 's'],
    [0o2000, 5, 's'],
    [0o1000, 8, 't'],
  ];
  for (const [bit, index, letter] of special) {
    if ((mode & bit) !== 0) bits[index] = bits[index] === 'x' ? letter : letter.toUpperCase();
  }
  return (letters[kind] ?? '-') + bits.join('');
}
