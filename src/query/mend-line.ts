// JSON that is legal and that DuckDB refuses, as JSON that says the same to SQL: a repeated key of the event keeps its last value (as
// JSON.parse has it), and half of a surrogate pair becomes U+FFFD. The log keeps the event as it came; bytes of other values
// are not touched.

const escapeSequence = /\\(?:u([0-9a-fA-F]{4})|[^u])/g;

const isHigh = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
const isLow = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;

/** One line of NDJSON (an object) for DuckDB; the same text where nothing is to be mended. */
export function mendLine(line: string): string {
  return lastOfEachKey(wholePairs(line));
}

function wholePairs(line: string): string {
  if (!/\\u[dD][89a-fA-F]/.test(line)) return line;
  const escapes = [...line.matchAll(escapeSequence)];
  let text = '';
  let from = 0;
  for (let i = 0; i < escapes.length; i++) {
    const code = Number.parseInt(escapes[i]![1] ?? '0', 16);
    if (!isHigh(code) && !isLow(code)) continue;
    const at = escapes[i]!.index;
    const next = escapes[i + 1];
    if (isHigh(code) && next?.index === at + 6 && isLow(Number.parseInt(next[1] ?? '0', 16))) {
      i++;
      continue;
    }
    text += `${line.slice(from, at)}\\ufffd`;
    from = at + 6;
  }
  return text + line.slice(from);
}

function lastOfEachKey(line: string): string {
  const members = new Map<string, string>();
  let count = 0;
  let depth = 0;
  let start = 0;
  let key: string | undefined;
  const end = (at: number): void => {
    const member = line.slice(start, at).trim();
    if (member !== '' && key !== undefined) {
      count++;
      members.set(key, member);
    }
    key = undefined;
    start = at + 1;
  };
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!;
    if (char === '"') {
      const open = at;
      for (at++; line[at] !== '"' && at < line.length; at++) if (line[at] === '\\') at++;
      if (depth === 1 && key === undefined) key = JSON.parse(line.slice(open, at + 1)) as string;
    } else if (char === '{' || char === '[') {
      if (depth++ === 0) start = at + 1;
    } else if (char === '}' || char === ']') {
      if (--depth === 0) end(at);
    } else if (char === ',' && depth === 1) end(at);
  }
  return members.size === count ? line : `{${[...members.values()].join(',')}}`;
}
