// How JSON text nests, by its brackets outside of strings alone: whether it is JSON otherwise is for others to say.

const quote = 0x22;
const backslash = 0x5c;

/** The depth of the innermost array or object, the outermost being 1, and where the first outermost one ends, if it does. */
export function nestingOf(text: string): { deepest: number; end: number | undefined } {
  let depth = 0;
  let deepest = 0;
  let end: number | undefined;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === backslash) at++;
      else if (code === quote) isInString = false;
      continue;
    }
    if (code === quote) isInString = true;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth);
    else if ((code === 0x7d || code === 0x5d) && --depth === 0) end ??= at + 1;
  }
  return { deepest, end };
}
