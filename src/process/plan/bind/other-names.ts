// Functions of DuckDB and of other systems that views have under another name or in another form, and what to write instead.

const truncated = "Write date_trunc('hour', t), or time_bucket(INTERVAL '5 minutes', t).";
const windows =
  'The header says the windows: "-- every: 1m", or "-- window: 5m every 1m". Rows have window_start and window_end.';
const several = "Group by each by itself, or join their texts: concat_ws('|', a, b).";
const months = "Months and years have no fixed length. Write days: INTERVAL '30 days'.";
const path = "Write field.key, or field ->> '$.key'.";
const filtered = 'Write the aggregate with FILTER: sum(x) FILTER (WHERE …).';
const distinct = 'Write approx_count_distinct(x), or count(DISTINCT x).';
const quantiles = 'Write approx_quantile(x, 0.95).';
const formatted = "Write strftime(t, '%Y-%m-%d').";

const instead: Readonly<Record<string, string>> = {
  row: several,
  struct_pack: several,
  list_value:
    "Views compute no lists. Group by each value by itself; for one of several write x IN ('a', 'b').",
  hash: 'Group by the value itself.',
  '~~~': 'Write LIKE, or regexp_matches.',
  glob: 'Write LIKE, or regexp_matches.',
  timezone: "Times are UTC. Write the offset: t + INTERVAL '9 hours'.",
  to_months: months,
  to_quarters: months,
  to_years: months,
  to_date: 'Write t::DATE.',
  todate: 'Write t::DATE.',
  todatetime: 'Write t::TIMESTAMP.',
  to_char: formatted,
  date_format: formatted,
  formatdatetime: formatted,
  date_add: "Write t + INTERVAL '1 hour'.",
  dateadd: "Write t + INTERVAL '1 hour'.",
  date_sub: "Write date_diff('hour', a, b) for whole hours between, or t - INTERVAL '1 hour'.",
  datesub: "Write date_diff('hour', a, b) for whole hours between, or t - INTERVAL '1 hour'.",
  timestampdiff: "Write date_diff('hour', a, b).",
  tostartofsecond: truncated,
  tostartofminute: truncated,
  tostartoffiveminutes: truncated,
  tostartoffifteenminutes: truncated,
  tostartofinterval: truncated,
  tostartofhour: truncated,
  tostartofday: truncated,
  date_bin: truncated,
  tumble: windows,
  tumble_start: windows,
  tumble_end: windows,
  hop: windows,
  hop_start: windows,
  hop_end: windows,
  session_start: windows,
  session_end: windows,
  uniq: distinct,
  uniqexact: distinct,
  uniqcombined: distinct,
  uniqhll12: distinct,
  approx_distinct: distinct,
  quantiles: quantiles,
  quantileexact: quantiles,
  quantiletdigest: quantiles,
  approx_percentile: quantiles,
  percentile: quantiles,
  topk: 'Write approx_top_k(x, 10).',
  grouparray: 'Write sample(x, 100).',
  groupuniqarray: 'Write sample(x, 100), or approx_top_k(x, 10).',
  collect_list: 'Write sample(x, 100).',
  any: 'Write first(x).',
  anylast: 'Write last(x).',
  first_value: 'Write first(x).',
  last_value: 'Write last(x).',
  latest: 'Write last(x).',
  sumif: filtered,
  avgif: filtered,
  minif: filtered,
  maxif: filtered,
  uniqif: filtered,
  iff: 'Write if(condition, a, b), or CASE.',
  multiif: 'Write CASE WHEN … THEN … END.',
  decode: 'Write CASE x WHEN … THEN … END.',
  nvl: 'Write coalesce(x, y).',
  isnull: 'Write x IS NULL.',
  zeroifnull: 'Write coalesce(x, 0).',
  domain: 'Write url_host(x).',
  extracturlparameter: "Write url_parameter(x, 'name').",
  json_value: path,
  json_query: path,
  get_json_object: path,
  jsonextractstring: path,
  jsonextract: path,
  string_split: "Write split_part(x, ',', 1) for one of the parts.",
  str_split: "Write split_part(x, ',', 1) for one of the parts.",
  split: "Write split_part(x, ',', 1) for one of the parts.",
  regexp_split_to_array: "Write split_part(x, ',', 1), or regexp_extract(x, '…', 1).",
  regexp_extract_all: "Write regexp_extract(x, '…', 1) for the first.",
  regexp_substr: "Write regexp_extract(x, '…').",
  regexp_like: "Write regexp_matches(x, '…').",
  rlike: "Write regexp_matches(x, '…').",
  match: "Write regexp_matches(x, '…').",
  format: 'Write concat(a, b), or a || b.',
  printf: 'Write concat(a, b), or a || b.',
  unnest:
    'A view has a row of its window for a group, and none for each element. A pipeline can write an event for each.',
};

/** What to write for a function that views have not under this name; undefined where nothing is known. */
export function otherForm(name: string): string | undefined {
  const key = name.toLowerCase();
  return Object.hasOwn(instead, key) ? instead[key] : undefined;
}
