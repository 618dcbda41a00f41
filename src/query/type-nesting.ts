// How deep the lists of a DuckDB type are in one another: its reader of Parquet goes twice into each, so that a value takes
// twice as long with every level.

/** Of the text of a type: `STRUCT(a BIGINT[])[]` has 2. A map is a list of its entries. */
export function listNesting(type: string): number {
  let deepest = 0;
  let levels = 0;
  const around: number[] = [];
  // From the right: what follows a type is around it.
  for (const part of partsOf(type).reverse()) {
    if (part === ')') around.push(levels);
    else if (part === '(') levels = around.pop() ?? 0;
    else if (part === ',') levels = around.at(-1) ?? 0;
    else levels++;
    deepest = Math.max(deepest, levels);
  }
  return deepest;
}

/** Parentheses, commas and brackets, those of maps too. */
function partsOf(type: string): string[] {
  const parts: string[] = [];
  const isMap: boolean[] = [];
  // Names in quotes may hold anything.
  for (const part of type.replace(/"(?:[^"]|"")*"/g, '').match(/MAP\(|\(|\)|,|\[\d*\]/g) ?? []) {
    if (part.endsWith('(')) isMap.push(part !== '(');
    parts.push(part === 'MAP(' ? '(' : part);
    if (part === ')' && isMap.pop()) parts.push('[]');
  }
  return parts;
}
