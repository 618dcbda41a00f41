// Halves of surrogate pairs, which JSON and JavaScript can spell and UTF-8 cannot: U+FFFD stands for each.

const escapeSequence = /\\(?:u([0-9a-fA-F]{4})|[^u])/g;
const surrogate = /[\ud800-\udfff]/;
const half = /\p{Surrogate}/gu;

const isHigh = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
const isLow = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;

export const hasSurrogates = (text: string): boolean => surrogate.test(text);

/** A text as it is in UTF-8. */
export const wellFormed = (text: string): string =>
  hasSurrogates(text) ? text.replace(half, '\ufffd') : text;

/** Valid JSON whose escapes spell no half; the same text where none did. */
export function wholePairs(json: string): string {
  if (!/\\u[dD][89a-fA-F]/.test(json)) return json;
  const escapes = [...json.matchAll(escapeSequence)];
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
    text += `${json.slice(from, at)}\\ufffd`;
    from = at + 6;
  }
  return text + json.slice(from);
}
