// Text of a delimited format as a JSON scalar: whole and decimal numbers that come back as the same text, true and
// false; everything else stays text, so that "007" and "1e3" lose nothing.

const number = /^-?(0|[1-9]\d{0,15})(\.\d{1,15})?$/;

export function scalarOf(text: string): string | number | boolean | null {
  if (text === '') return null;
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (number.test(text)) {
    const value = Number(text);
    if (String(value) === text) return value;
  }
  return text;
}
