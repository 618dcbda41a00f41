// Arguments that must be literals of a certain form: units of time, formats, patterns.
import { truncUnits, unitName } from '../functions/calendar.ts';
import { literalOf } from '../functions/function.ts';
import { endsInEscape } from '../functions/like.ts';
import { compileRegex, extractGroupMax, hasLostAnchor, hasShortGroupName } from '../functions/regex.ts';
import { lowerCase } from '../functions/text.ts';
import { partUnits, unknownConversion } from '../functions/time.ts';
import type { Expression } from '../plan.ts';

/** What is wrong with a literal argument, and what to write. */
export function constantProblem(
  name: string,
  index: number,
  value: string | number | boolean,
  args: readonly Expression[],
): [string, string] | undefined {
  const text = String(value);
  if (name === 'date_part' || name === 'date_trunc' || name === 'date_diff') {
    const unit = unitName(text);
    const units = name === 'date_part' ? partUnits : truncUnits;
    if (unit && args[1]?.type === 'interval' && unit !== 'epoch') {
      return ['Only the epoch of an interval can be taken.', 'Write epoch(b - a), which is in seconds.'];
    }
    return unit && units.includes(unit)
      ? undefined
      : [`"${text}" is not a unit.`, `Units: ${units.join(', ')}.`];
  }
  if (name === 'strftime') {
    if (text === '') return ['The format of strftime is empty.', "Write for instance '%Y-%m-%d'."];
    const unknown = unknownConversion(text);
    return unknown
      ? [`strftime's ${unknown} is not available in views.`, 'Use %Y %m %d %H %M %S %f.']
      : undefined;
  }
  if (/^(not )?i?like$/.test(name) && index === 2 && Buffer.byteLength(text) > 1) {
    return ['ESCAPE takes one character of ASCII, or none.', "Write for instance ESCAPE '!'."];
  }
  if (/^(not )?i?like$/.test(name) && index === 1) {
    const escapeCharacter = String(literalOf(args[2]) ?? '');
    return endsInEscape(/ilike$/.test(name) ? lowerCase(text) : text, escapeCharacter)
      ? [
          `The pattern ends in its escape character ${escapeCharacter}, with nothing behind it to escape.`,
          `Write ${escapeCharacter}${escapeCharacter} for the character itself.`,
        ]
      : undefined;
  }
  if (!name.startsWith('regexp_')) return undefined;
  if (name === 'regexp_extract' && index === 2) {
    return Number(value) >= 0 && Number(value) <= extractGroupMax
      ? undefined
      : [
          `regexp_extract takes the number of a group from 0 to ${extractGroupMax}.`,
          'Write 0 for the whole match, 1 for the first group in parentheses.',
        ];
  }
  const optionsIndex = name === 'regexp_matches' || name === 'regexp_full_match' ? 2 : 3;
  const isOptions = typeof value === 'string' && index === optionsIndex;
  const isReplace = name === 'regexp_replace';
  if (isOptions && (isReplace ? /[^cilsg]/ : /[^cils]/).test(text)) {
    return [
      `"${text}" are not options of ${name}.`,
      `Options: i (case), s (dot takes newlines), l (literal)${isReplace ? ', g (all)' : ''}.`,
    ];
  }
  const isLiteral = String(literalOf(args[optionsIndex]) ?? '').includes('l');
  if (index !== 1 || isLiteral) return undefined;
  if (hasShortGroupName(text)) {
    return ['(?<name>…) is not in the syntax of RE2 here.', 'Write (?P<name>…), or (…).'];
  }
  if (name === 'regexp_matches' && hasLostAnchor(text)) {
    return [
      'Nothing can stand behind $, the end of a text, or before ^, its begin.',
      'Write \\$ or \\^ for the character itself.',
    ];
  }
  try {
    compileRegex(text);
    return undefined;
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return [
      `The regular expression does not compile: ${reason}.`,
      "RE2's syntax holds: no look-around and no back-references, which cannot be matched in linear time.",
    ];
  }
}
