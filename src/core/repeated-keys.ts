// JSON rewritten as text, where what stays keeps its bytes. Repeated keys are as JSON.parse reads them: the last member of a key counts, at
// every depth.
import { MillraceError } from './errors.ts';

/**
 * `text` is valid JSON; throws `internal` where it ends early. Of an object with a repeated key each key stays once, where it was first,
 * with its last value.
 */
export function lastOfEachKey(text: string): string {
  return new Rewriter(text).value();
}

/** `text` is a valid JSON object; its own keys, not those of objects in it, become what `keyFor` gives for them. */
export function withKeys(text: string, keyFor: (key: string) => string): string {
  return new Rewriter(text).named(keyFor);
}

/** `text` is a valid JSON object; each object or array that it holds becomes an empty object. */
export function withoutNested(text: string): string {
  return new Rewriter(text).flat();
}

/** `text` is a valid JSON object; the text of the value that counts for its own key `key`. */
export function lastTextOf(text: string, key: string): string | undefined {
  return new Rewriter(text).lastOf(key);
}

/** Members of all objects in a parsed value. */
export function membersIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let members = Array.isArray(value) ? 0 : Object.keys(value).length;
  for (const one of Object.values(value)) members += membersIn(one);
  return members;
}

class Rewriter {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** The value at the cursor, which goes behind it. */
  value(): string {
    this.skipBlanks();
    const start = this.at;
    const opening = this.text[start];
    if (opening === '{') return this.object(start);
    if (opening === '[') return this.array(start);
    if (opening === '"') this.skipString();
    else while (this.at < this.text.length && !/[\s,\]}]/.test(this.text[this.at]!)) this.at++;
    return this.text.slice(start, this.at);
  }

  named(keyFor: (key: string) => string): string {
    let named = '';
    let done = 0;
    while (this.hasNext('}')) {
      const keyStart = this.at;
      const key = this.key();
      const wanted = keyFor(key);
      if (wanted !== key) {
        named += this.text.slice(done, keyStart) + JSON.stringify(wanted);
        done = this.at;
      }
      this.passColon();
      this.value();
    }
    return named + this.text.slice(done);
  }

  flat(): string {
    let flat = '';
    let done = 0;
    while (this.hasNext('}')) {
      this.skipString();
      this.passColon();
      const start = this.at;
      this.value();
      if (this.text[start] !== '{' && this.text[start] !== '[') continue;
      flat += `${this.text.slice(done, start)}{}`;
      done = this.at;
    }
    return flat + this.text.slice(done);
  }

  lastOf(wanted: string): string | undefined {
    let last: string | undefined;
    while (this.hasNext('}')) {
      const isWanted = this.key() === wanted;
      this.passColon();
      const value = this.value();
      if (isWanted) last = value;
    }
    return last;
  }

  private key(): string {
    const start = this.at;
    this.skipString();
    return JSON.parse(this.text.slice(start, this.at)) as string;
  }

  private passColon(): void {
    this.skipBlanks();
    this.at++;
    this.skipBlanks();
  }

  private object(start: number): string {
    const members = new Map<string, string>();
    let isSame = true;
    while (this.hasNext('}')) {
      const keyStart = this.at;
      const key = this.key();
      this.passColon();
      const valueStart = this.at;
      const value = this.value();
      if (members.has(key) || value.length !== this.at - valueStart) isSame = false;
      members.set(key, this.text.slice(keyStart, valueStart) + value);
    }
    return isSame ? this.text.slice(start, this.at) : `{${[...members.values()].join(',')}}`;
  }

  private array(start: number): string {
    const values: string[] = [];
    let isSame = true;
    while (this.hasNext(']')) {
      const valueStart = this.at;
      const value = this.value();
      if (value.length !== this.at - valueStart) isSame = false;
      values.push(value);
    }
    return isSame ? this.text.slice(start, this.at) : `[${values.join(',')}]`;
  }

  /** Goes behind a bracket or comma, to the next member; false behind the closing bracket. */
  private hasNext(closing: string): boolean {
    this.skipBlanks();
    if (this.text[this.at] !== closing) this.at++;
    this.skipBlanks();
    if (this.at >= this.text.length) throw notJson();
    if (this.text[this.at] !== closing) return true;
    this.at++;
    return false;
  }

  private skipBlanks(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }

  private skipString(): void {
    for (this.at++; this.text[this.at] !== '"'; this.at++) {
      if (this.text[this.at] === '\\') this.at++;
      if (this.at >= this.text.length) throw notJson();
    }
    this.at++;
  }
}

const notJson = (): MillraceError =>
  new MillraceError('internal', 'A text that should be valid JSON ends early.');
