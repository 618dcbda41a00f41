// DuckDB values as JSON-ready values: whole numbers beyond 2^53 as strings, times as ISO 8601 UTC, everything else
// as close to plain JSON as it comes.
import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { formatBigUs, formatUs } from '../core/time.ts';

export function jsonValue(value: DuckDBValue): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue)
    return instant(value.micros, value);
  if (value instanceof DuckDBTimestampMillisecondsValue) return instant(value.millis * 1000n, value);
  if (value instanceof DuckDBTimestampSecondsValue) return instant(value.seconds * 1_000_000n, value);
  if (value instanceof DuckDBTimestampNanosecondsValue) return instant(flooredThousands(value.nanos), value);
  if (value instanceof DuckDBDateValue)
    return instant(BigInt(value.days) * 86_400_000_000n, value).replace(/T.*$/, '');
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue)
    return value.items.map(jsonValue);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([key, entry]) => [key, jsonValue(entry)]));
  }
  if (value instanceof DuckDBMapValue) {
    return Object.fromEntries(
      value.entries.map(entry => [String(jsonValue(entry.key)), jsonValue(entry.value)]),
    );
  }
  if (value instanceof DuckDBDecimalValue) {
    const text = value.toString();
    return Number.isSafeInteger(Number(value.value)) ? Number(text) : text;
  }
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64');
  return value.toString();
}

const flooredThousands = (value: bigint): bigint => (value - (((value % 1000n) + 1000n) % 1000n)) / 1000n;

/** Infinities are what DuckDB calls them. */
function instant(timeUs: bigint, value: { isFinite: boolean }): string {
  if (!value.isFinite) return timeUs < 0n ? '-infinity' : 'infinity';
  const number = Number(timeUs);
  return Number.isSafeInteger(number) ? formatUs(number) : formatBigUs(timeUs);
}
