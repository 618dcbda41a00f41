// Names as SQL compares them: the case of ASCII letters does not count, that of others does.

export function foldedName(name: string): string {
  return name.replace(/[A-Z]+/g, letters => letters.toLowerCase());
}
