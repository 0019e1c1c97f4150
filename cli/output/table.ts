import { columnsOf } from '../../client/shown/text.ts';

export interface Column {
  readonly title: string;
  /** Numbers and sizes stand at the right. */
  readonly align?: 'left' | 'right';
}

/** Lines of a table: titles, then rows, each column as wide as its widest cell, two spaces between. Cells are safe to print already. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], title: (text: string) => string): string[] {
  const widths = columns.map((column, index) =>
    rows.reduce((widest, row) => Math.max(widest, columnsOf(row[index] ?? '')), columnsOf(column.title)),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, index) => {
        const cell = cells[index] ?? '';
        const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - columnsOf(cell)));
        return column.align === 'right' ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd();
  return [title(line(columns.map((column) => column.title))), ...rows.map(line)];
}

/** Lines of `name: value`, values below each other. A further value of the same name has an empty one. */
export function facts(pairs: readonly (readonly [name: string, value: string])[], title: (text: string) => string): string[] {
  const width = pairs.reduce((widest, [name]) => Math.max(widest, columnsOf(name)), 0);
  return pairs.map(([name, value]) => {
    const label = name === '' ? ' ' : title(`${name}:`);
    return `${label}${' '.repeat(width - columnsOf(name) + 2)}${value}`.trimEnd();
  });
}
