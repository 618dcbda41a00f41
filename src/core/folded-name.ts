// Names as SQL compares them: the case of ASCII letters does not count, that of others does.

/** What is named so: as it is spelled, else in another case. */
export function findNamed<T extends { name: string }>(all: readonly T[], name: string): T | undefined {
  return all.find(one => one.name === name) ?? all.find(one => foldedName(one.name) === foldedName(name));
}

export function foldedName(name: string): string {
  return name.replace(/[A-Z]+/g, letters => letters.toLowerCase());
}
