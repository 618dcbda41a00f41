// Calendar arithmetic on µs since 1970 in UTC: the parts and truncations of DuckDB, by number and without Date objects.

export const dayUs = 86_400_000_000;
const unitUs: Record<string, number> = {
  microsecond: 1,
  millisecond: 1000,
  second: 1e6,
  minute: 60e6,
  hour: 3600e6,
  day: dayUs,
  week: 7 * dayUs,
};

/** Year, month 1–12 and day 1–31 of a day number since 1970 (Howard Hinnant, "chrono-compatible date algorithms"). */
export function civilFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

export function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

const floorTo = (value: number, step: number) => Math.floor(value / step) * step;
const mod = (value: number, by: number) => value - Math.floor(value / by) * by;
const weekday = (days: number) => mod(days + 4, 7);

/** DuckDB's spellings of a unit, or undefined. */
export function unitName(text: string): string | undefined {
  const name = text.toLowerCase();
  return spellings.get(name);
}

const spellings = new Map<string, string>(
  Object.entries({
    microsecond: 'microseconds us usec usecs usecond useconds',
    millisecond: 'milliseconds ms msec msecs msecond mseconds',
    second: 'seconds s sec secs',
    minute: 'minutes m min mins',
    hour: 'hours h hr hrs',
    day: 'days d dayofmonth',
    week: 'weeks w weekofyear',
    month: 'months mon mons',
    quarter: 'quarters',
    year: 'years y yr yrs',
    decade: 'decades dec decs',
    century: 'centuries cent c',
    millennium: 'mil millenniums millennia mils',
    dayofweek: 'dow weekday',
    isodow: '',
    dayofyear: 'doy',
    isoyear: '',
    yearweek: '',
    epoch: '',
  }).flatMap(([name, others]) => [name, ...others.split(' ').filter(Boolean)].map(other => [other, name])),
);

/** Units that date_trunc takes. */
export const truncUnits = [
  'microsecond',
  'millisecond',
  'second',
  'minute',
  'hour',
  'day',
  'week',
  'month',
  'quarter',
  'year',
  'decade',
];

export function truncate(unit: string, timeUs: number): number {
  if (unit === 'week') return floorTo(timeUs - 4 * dayUs, 7 * dayUs) + 4 * dayUs;
  const fixed = unitUs[unit];
  if (fixed !== undefined) return floorTo(timeUs, fixed);
  const { year, month } = civilFromDays(Math.floor(timeUs / dayUs));
  if (unit === 'month') return daysFromCivil(year, month, 1) * dayUs;
  if (unit === 'quarter') return daysFromCivil(year, month - ((month - 1) % 3), 1) * dayUs;
  if (unit === 'year') return daysFromCivil(year, 1, 1) * dayUs;
  return daysFromCivil(Math.trunc(year / 10) * 10, 1, 1) * dayUs;
}

/** ISO 8601 week number and the year it belongs to. */
function isoWeek(days: number): { year: number; week: number } {
  const thursday = days - mod(days + 3, 7) + 3;
  const { year } = civilFromDays(thursday);
  return { year, week: Math.floor((thursday - daysFromCivil(year, 1, 1)) / 7) + 1 };
}

/** Units that date_part and extract take, with the exception of `epoch` whole numbers. */
export function datePart(unit: string, timeUs: number): number {
  const days = Math.floor(timeUs / dayUs);
  const ofDay = timeUs - days * dayUs;
  switch (unit) {
    case 'microsecond':
      return mod(ofDay, 60e6);
    case 'millisecond':
      return Math.floor(mod(ofDay, 60e6) / 1000);
    case 'second':
      return Math.floor(mod(ofDay, 60e6) / 1e6);
    case 'minute':
      return Math.floor(mod(ofDay, 3600e6) / 60e6);
    case 'hour':
      return Math.floor(ofDay / 3600e6);
    case 'dayofweek':
      return weekday(days);
    case 'isodow':
      return weekday(days) || 7;
    case 'week':
      return isoWeek(days).week;
    case 'isoyear':
      return isoWeek(days).year;
    case 'yearweek': {
      const { year, week } = isoWeek(days);
      return year * 100 + week;
    }
    case 'epoch':
      return timeUs / 1e6;
  }
  const { year, month, day } = civilFromDays(days);
  switch (unit) {
    case 'day':
      return day;
    case 'month':
      return month;
    case 'quarter':
      return Math.floor((month - 1) / 3) + 1;
    case 'dayofyear':
      return days - daysFromCivil(year, 1, 1) + 1;
    case 'decade':
      return Math.trunc(year / 10);
    case 'century':
      return Math.floor((year - 1) / 100) + 1;
    case 'millennium':
      return Math.floor((year - 1) / 1000) + 1;
    default:
      return year;
  }
}

/** How many boundaries of the unit lie between two times (date_diff). */
export function boundaries(unit: string, fromUs: number, toUs: number): number {
  // Whole weeks between the days, not Mondays passed.
  if (unit === 'week') return Math.trunc((Math.floor(toUs / dayUs) - Math.floor(fromUs / dayUs)) / 7);
  const fixed = unitUs[unit];
  if (fixed !== undefined) return Math.floor(toUs / fixed) - Math.floor(fromUs / fixed);
  const [from, to] = [civilFromDays(Math.floor(fromUs / dayUs)), civilFromDays(Math.floor(toUs / dayUs))];
  const months = (to.year - from.year) * 12 + to.month - from.month;
  if (unit === 'month') return months;
  if (unit === 'quarter') {
    return (to.year - from.year) * 4 + Math.floor((to.month - 1) / 3) - Math.floor((from.month - 1) / 3);
  }
  return unit === 'year' ? to.year - from.year : Math.trunc(to.year / 10) - Math.trunc(from.year / 10);
}

export const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
export const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
