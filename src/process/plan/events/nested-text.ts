// The text of an object or array as SQL has it: whatever spelling its sender chose, without spaces, strings with no more
// escapes than they need, fractions as shortly as they can be told apart. So equal values are equal texts.

const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|\s+/g;

/** `raw` is valid JSON. Whole numbers keep all their digits and repeated keys stay. */
export function nestedText(raw: string): string {
  return raw.replace(token, found => {
    if (found.startsWith('"')) return found.includes('\\') ? JSON.stringify(JSON.parse(found)) : found;
    if (/^\s/.test(found)) return '';
    return /[.eE]/.test(found) ? fractionText(found) : found === '-0' ? '0' : found;
  });
}

/** As DuckDB writes it: with ".0" where it is whole, without "+" in an exponent; beyond doubles as it was. */
function fractionText(raw: string): string {
  const value = Number(raw);
  if (!Number.isFinite(value)) return raw;
  const text = Object.is(value, -0) ? '-0' : String(value).replace('e+', 'e');
  return /[.e]/.test(text) ? text : `${text}.0`;
}
