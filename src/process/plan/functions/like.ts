// LIKE patterns: `%` any characters, `_` one character, an optional escapeCharacter. Matching never backtracks further than the
// last `%`, so its cost is bounded by text × pattern and usually linear.

type Matcher = (value: string) => boolean;

const cacheMax = 1000;
const cache = new Map<string, Matcher>();

/** The matcher of a pattern; the last thousand are kept. A pattern that ends in its escapeCharacter matches nothing. */
export function likeMatcher(pattern: string, escapeCharacter: string): Matcher {
  const key = `${escapeCharacter}\0${pattern}`;
  let matcher = cache.get(key);
  if (!matcher) {
    if (cache.size >= cacheMax) cache.clear();
    matcher = build(pattern, escapeCharacter);
    cache.set(key, matcher);
  }
  return matcher;
}

/** Whether a pattern ends in its escape character, with nothing behind it: an error to DuckDB. */
export function endsInEscape(pattern: string, escapeCharacter: string): boolean {
  if (escapeCharacter === '') return false;
  let isEscaped = false;
  for (const character of pattern) isEscaped = !isEscaped && character === escapeCharacter;
  return isEscaped;
}

const any = Symbol('%');
const one = Symbol('_');
type Token = string | typeof any | typeof one;

function build(pattern: string, escapeCharacter: string): Matcher {
  const tokens: Token[] = [];
  const characters = [...pattern];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index]!;
    if (escapeCharacter !== '' && character === escapeCharacter) {
      if (++index === characters.length) return () => false;
      tokens.push(characters[index]!);
    } else if (character === '%') {
      if (tokens.at(-1) !== any) tokens.push(any);
    } else tokens.push(character === '_' ? one : character);
  }
  if (!tokens.includes(one)) {
    const anys = tokens.filter(token => token === any).length;
    const literal = tokens.filter(token => token !== any).join('');
    const [first, last] = [tokens[0] === any, tokens.at(-1) === any];
    if (anys === 0) return value => value === literal;
    if (anys === 1 && last) return value => value.startsWith(literal);
    if (anys === 1 && first) return value => value.endsWith(literal);
    if (anys === 2 && first && last) return value => value.includes(literal);
  }
  return value => matchTokens([...value], tokens);
}

function matchTokens(value: string[], tokens: readonly Token[]): boolean {
  let [at, token] = [0, 0];
  let [retryAt, retryToken] = [-1, -1];
  while (at < value.length) {
    const wanted = tokens[token];
    if (wanted === any) {
      [retryAt, retryToken] = [at, ++token];
    } else if (wanted !== undefined && (wanted === one || wanted === value[at])) {
      at++;
      token++;
    } else if (retryToken >= 0) {
      at = ++retryAt;
      token = retryToken;
    } else return false;
  }
  while (tokens[token] === any) token++;
  return token === tokens.length;
}
