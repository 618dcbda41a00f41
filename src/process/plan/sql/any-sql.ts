// A scalar of any kind as SQL. A column of SQL has one type; where a field has had values of several, a struct stands for
// the value, which groups and sorts as the engine has it: numbers before text before booleans, and 1 is not '1'. A number
// whose digits a double would lose has them as text beside it.
import type { ViewValue } from '../../view.ts';

/** Whole numbers that a double holds with all their neighbours. */
const safe = '-9007199254740991 AND 9007199254740991';

/** The text of the value inside a JSON document, numbers as JSON.parse and String have them. */
export function textOfJson(document: string, path: string): string {
  const text = `json_extract_string(${document}, ${path})`;
  const isWhole = `regexp_full_match(${text}, '-?[0-9]+')`;
  const isFraction = `json_type(${document}, ${path}) = 'DOUBLE' AND NOT ${isWhole}`;
  return `CASE WHEN ${isFraction} THEN ${numberText(`TRY_CAST(${text} AS DOUBLE)`)} ELSE ${text} END`;
}

/** The value inside a JSON document, its path as SQL. Nested values are their text; NULL where there is none. */
export function anyOfJson(document: string, path: string): string {
  const text = `json_extract_string(${document}, ${path})`;
  const double = `TRY_CAST(${text} AS DOUBLE)`;
  // A whole number from 2^53 on is its digits, as it is to the engine.
  const isBeyond = `coalesce(TRY_CAST(${text} AS HUGEINT) NOT BETWEEN ${safe}, true)`;
  const isRounded = `regexp_full_match(${text}, '-?[0-9]+') AND ${isBeyond}`;
  return (
    `CASE coalesce(json_type(${document}, ${path}), 'NULL') WHEN 'NULL' THEN NULL ` +
    `WHEN 'BOOLEAN' THEN ${struct(2, `(${text} = 'true')::DOUBLE`, 'NULL')} ` +
    `WHEN 'VARCHAR' THEN ${struct(1, 'NULL', text)} ` +
    `WHEN 'OBJECT' THEN ${struct(1, 'NULL', text)} WHEN 'ARRAY' THEN ${struct(1, 'NULL', text)} ` +
    `ELSE CASE WHEN ${isRounded} THEN ${struct(1, 'NULL', text)} ELSE ${struct(0, double, 'NULL')} END END`
  );
}

/** The value as a whole number with all its digits, or else as the double that its text spells. */
export function integerOfJson(document: string, path: string): string {
  const text = `json_extract_string(${document}, ${path})`;
  const double = `TRY_CAST(${text} AS DOUBLE)`;
  const whole = `CASE WHEN regexp_full_match(trim(${text}), '[+-]?[0-9]+') THEN TRY_CAST(${text} AS BIGINT) END`;
  return (
    `CASE WHEN NOT isfinite(${double}) OR ${double} IS NULL THEN NULL WHEN ${whole} NOT BETWEEN ${safe} ` +
    `THEN ${struct(0, double, `CAST(${whole} AS VARCHAR)`)} ELSE ${struct(0, double, 'NULL')} END`
  );
}

/** The same of a column of numbers, or of an expression. */
export const integerOfColumn = (column: string): string =>
  integerOfJson(`to_json(CAST(${column} AS VARCHAR))`, `'$'`);

/** The value of a column of any other type. */
export const anyOfColumn = (column: string): string => anyOfJson(`to_json(${column})`, `'$'`);

const struct = (rank: 0 | 1 | 2, number: string, text: string): string =>
  `{'_rank': ${rank}::UTINYINT, '_number': ${number}::DOUBLE, '_text': ${text}::VARCHAR}`;

/** The text of a value: of such a struct, or of a plain column. */
export function anyText(value: string): string {
  const json = `to_json(${value})`;
  const number = `TRY_CAST(${json} ->> '$._number' AS DOUBLE)`;
  return (
    `CASE ${json} ->> '$._rank' WHEN '0' THEN ${numberText(number)} WHEN '1' THEN ${json} ->> '$._text' ` +
    `WHEN '2' THEN CAST(${number} <> 0 AS VARCHAR) ELSE ${json} ->> '$' END`
  );
}

/** The digits of a whole number, or the text of the double, that such a struct stands for. */
export function integerText(value: string): string {
  const number = `struct_extract(${value}, '_number')`;
  return `coalesce(struct_extract(${value}, '_text'), ${numberText(number)})`;
}

/** The whole number that such a struct stands for; NULL where it is none of 64 bits. */
export function wholeNumber(value: string): string {
  const number = `struct_extract(${value}, '_number')`;
  const ofNumber = `CASE WHEN ${number} = trunc(${number}) THEN TRY_CAST(${number} AS BIGINT) END`;
  return `coalesce(TRY_CAST(struct_extract(${value}, '_text') AS BIGINT), ${ofNumber})`;
}

/** The value as JSON: of such a struct, or of a plain column. */
export function anyAsJson(value: string): string {
  const json = `to_json(${value})`;
  return (
    `CASE ${json} ->> '$._rank' WHEN '0' THEN coalesce(TRY_CAST(${json} ->> '$._text' AS JSON), ${json} -> '$._number') WHEN '1' THEN ${json} -> '$._text' ` +
    `WHEN '2' THEN to_json(TRY_CAST(${json} ->> '$._number' AS DOUBLE) <> 0) ELSE ${json} END`
  );
}

/** The text of a number as JavaScript has it: whole ones without ".0", and an exponent from 1e21 on and below 1e-6 only. */
export function numberText(base: string): string {
  const text = `CAST(${base} AS VARCHAR)`;
  const sign = `CASE WHEN ${base} < 0 THEN '-' ELSE '' END`;
  const digits = `replace(regexp_extract(${text}, '^-?([0-9.]+)', 1), '.', '')`;
  const exponent = `TRY_CAST(regexp_extract(${text}, 'e(.*)', 1) AS INTEGER)`;
  return (
    `CASE WHEN ${base} = trunc(${base}) AND ${base} BETWEEN ${safe} THEN CAST(CAST(${base} AS BIGINT) AS VARCHAR) ` +
    `WHEN NOT contains(${text}, 'e') THEN regexp_replace(${text}, '\\.0$', '') ` +
    `WHEN ${exponent} NOT BETWEEN -6 AND 20 THEN regexp_replace(${text}, 'e([+-])0', 'e\\1') ` +
    `WHEN ${exponent} > 0 THEN ${sign} || rpad(${digits}, ${exponent} + 1, '0') ` +
    `ELSE ${sign} || '0.' || repeat('0', -1 - ${exponent}) || ${digits} END`
  );
}

/** Answers of a query with the values that such structs stand for. */
export function anyValue(value: ViewValue): ViewValue {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(anyValue);
  const { _rank: rank, _number: number, _text: text } = value;
  if (rank === undefined || number === undefined || text === undefined) {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, anyValue(entry)]));
  }
  // Of 1e400 a JSON answer has the name.
  return rank === 1 ? text : rank === 2 ? number === 1 : (text ?? Number(number));
}
