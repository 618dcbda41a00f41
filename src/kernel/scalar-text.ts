// Which scalars a kernel keys by text, and the text: strings as they are, numbers and booleans by their canonical
// JSON. What is left out is state `other`: a lone surrogate has no UTF-8, and a number beyond these bounds
// needs shortest-digit printing, which JSON.stringify does exactly.

/**
 * The canonical JSON text of a number literal without exponent, with at most 15 significant digits (or whole and
 * at most 2^53) and not between 0 and 1e-6 in size; `undefined` for other literals. Equals
 * JSON.stringify(JSON.parse(literal)): decimals of 15 digits survive a double, so their own digits are the shortest.
 */
export function canonicalNumber(literal: string): string | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(literal);
  if (!match) return undefined;
  const [, sign, whole] = match;
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  if (fraction === '') {
    if (BigInt(whole!) > 9007199254740992n) return undefined;
    return whole === '0' ? '0' : `${sign}${whole}`;
  }
  const digits = (whole! + fraction).replace(/^0+/, '');
  if (digits.length > 15 || (whole === '0' && fraction.startsWith('000000'))) return undefined;
  return `${sign}${whole}.${fraction}`;
}

/** Whether a string has UTF-8. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
