// Names that one was probably meant to be: what is left to ask where a word is not known.

/** Whether `name` is `known` but for a slip or two. */
export function isNear(known: string, name: string): boolean {
  return editDistance(known, name) <= (known.length > 4 ? 2 : 1);
}

/** The name of a function that `name` is but for a slip. Of three letters only one of the same length: atan is no slip of tan. */
export function nearestFunction(known: Iterable<string>, name: string): string | undefined {
  let nearest: string | undefined;
  for (const one of known) {
    if (one.length < 3 || (one.length === 3 && name.length !== 3) || !isNear(one, name)) continue;
    if (nearest === undefined || editDistance(one, name) < editDistance(nearest, name)) nearest = one;
  }
  return nearest;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
