// The Nexmark queries that Millrace can say, in its SQL, each beside the same question as a batch in DuckDB's, written by hand
// over a table `nexmark` of the same events. All read one stream in which a field tells the kind of an event, so that every
// query has to take in every event, as it has in the published runs. Those queries that join two unbounded streams (q3, q4,
// q6, q9, q20) or keep the ten highest rows of each key (q19) are not among them; q10 writes files, which the lake does.

export interface Query {
  name: string;
  /** Of the published suite. */
  title: string;
  /** A view keeps windows; a projection makes one event of one event. */
  kind: 'view' | 'projection';
  sql: string;
  /** The same rows in DuckDB: for a view window start and end in µs and then its columns. */
  batch: string;
  /** Event time is the time of the append. */
  byAppendTime?: true;
  /** Published figures, k events/s per core. */
  published: { flink?: number; risingWave?: number };
  /** Where it is not word for word the published query. */
  note?: string;
}

const forEver = '-- keep: ever';
const window = (seconds: number): string =>
  `epoch_us(time_bucket(INTERVAL ${seconds} SECOND, _time)) AS _start, _start + ${seconds * 1_000_000} AS _end`;
const counts = `count(*) AS total_bids,
  count(*) FILTER (WHERE price < 10000) AS rank1_bids,
  count(*) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_bids,
  count(*) FILTER (WHERE price >= 1000000) AS rank3_bids`;
const distinct = (of: string, name: string): string => `count(DISTINCT ${of}) AS total_${name},
  count(DISTINCT ${of}) FILTER (WHERE price < 10000) AS rank1_${name},
  count(DISTINCT ${of}) FILTER (WHERE price >= 10000 AND price < 1000000) AS rank2_${name},
  count(DISTINCT ${of}) FILTER (WHERE price >= 1000000) AS rank3_${name}`;
const statistics = `${counts},
  ${distinct('bidder', 'bidders')},
  ${distinct('auction', 'auctions')}`;
const prices =
  'min(price) AS min_price, max(price) AS max_price, avg(price) AS avg_price, sum(price) AS sum_price';
const day = `${window(86_400)}, strftime(_time, '%Y-%m-%d') AS day`;
const bids = "FROM nexmark WHERE kind = 'bid'";
const daysOf = (maxGroups: number): string => `-- every: 1d\n${forEver}\n-- max groups: ${maxGroups}`;
const period = `CASE WHEN hour(_time) >= 8 AND hour(_time) <= 18 THEN 'dayTime'
  WHEN hour(_time) <= 6 OR hour(_time) >= 20 THEN 'nightTime' ELSE 'otherTime' END AS bid_time_type`;
const channelOf = "regexp_extract(url, '(&|^)channel_id=([^&]*)', 2)";
const channelId = `CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2'
  WHEN 'baidu' THEN '3' ELSE ${channelOf} END AS channel_id`;

/** A query that both write alike. */
const both = (select: string): { sql: string; batch: string } => ({
  sql: select,
  // A number with a point is a double here and would be a DECIMAL there.
  batch: select.replaceAll('0.908', '0.908::DOUBLE'),
});

export const queries: readonly Query[] = [
  {
    name: 'q0',
    title: 'pass through',
    kind: 'projection',
    ...both(`SELECT auction, bidder, price, _time, extra ${bids}`),
    published: { flink: 155, risingWave: 118 },
  },
  {
    name: 'q1',
    title: 'currency conversion',
    kind: 'projection',
    ...both(`SELECT auction, bidder, 0.908 * price AS price, _time, extra ${bids}`),
    published: { flink: 158 },
  },
  {
    name: 'q2',
    title: 'selection',
    kind: 'projection',
    ...both(`SELECT auction, price ${bids} AND auction % 123 = 0`),
    published: { flink: 175 },
  },
  {
    name: 'q5',
    title: 'hot items',
    kind: 'view',
    sql: `-- window: 10s every 2s\n${forEver}
SELECT auction, count(*) AS num ${bids} GROUP BY auction ORDER BY num DESC LIMIT 1`,
    batch: `FROM (SELECT epoch_us(_time) // 2000000 * 2000000 - hop * 2000000 AS _start, _start + 10000000 AS _end,
  auction, count(*) AS num FROM nexmark, range(5) AS hops(hop) WHERE kind = 'bid' GROUP BY ALL)
  QUALIFY row_number() OVER (PARTITION BY _start ORDER BY num DESC, auction) = 1`,
    published: { flink: 22, risingWave: 5 },
    note: 'of equally hot items the one with the lowest id',
  },
  {
    name: 'q7',
    title: 'highest bid',
    kind: 'view',
    sql: `-- every: 10s\n${forEver}
SELECT max(price) AS price, arg_max(auction, price) AS auction, arg_max(bidder, price) AS bidder ${bids}`,
    batch: `SELECT _start, _end, max(price) AS price, max(auction) AS auction, max(bidder) AS bidder
  FROM (SELECT ${window(10)}, * ${bids} QUALIFY price = max(price) OVER (PARTITION BY _start)) GROUP BY ALL`,
    published: { flink: 12, risingWave: 20 },
    note: 'one row a window: of equally high bids the greatest ids',
  },
  {
    name: 'q8',
    title: 'monitor new users',
    kind: 'view',
    sql: `-- every: 10s\n${forEver}
SELECT CASE kind WHEN 'person' THEN id ELSE seller END AS person, max(name) AS name FROM nexmark
WHERE kind <> 'bid' GROUP BY person HAVING bool_or(kind = 'person') AND bool_or(kind = 'auction')`,
    batch: `SELECT ${window(10)}, p.id, p.name FROM nexmark p WHERE kind = 'person' AND EXISTS (FROM nexmark a
  WHERE a.kind = 'auction' AND a.seller = p.id
  AND time_bucket(INTERVAL 10 SECOND, a._time) = time_bucket(INTERVAL 10 SECOND, p._time))`,
    published: { flink: 146 },
    note: 'both sides grouped by the person in place of a join',
  },
  {
    name: 'q11',
    title: 'user sessions',
    kind: 'view',
    sql: `-- session: 10s by bidder\n${forEver}\n-- max groups: 1000000
SELECT bidder, count(*) AS bids ${bids} GROUP BY bidder`,
    batch: `WITH gaps AS (SELECT bidder, _time, _time - lag(_time) OVER (PARTITION BY bidder ORDER BY _time) > INTERVAL 10 SECOND
  AS starts ${bids}), numbered AS (SELECT *, count(*) FILTER (WHERE starts) OVER (PARTITION BY bidder ORDER BY _time) AS nth FROM gaps)
  SELECT min(epoch_us(_time)) AS _start, max(epoch_us(_time)) + 10000000 AS _end, bidder, count(*) AS bids
  FROM numbered GROUP BY bidder, nth`,
    published: {},
  },
  {
    name: 'q12',
    title: 'windows by processing time',
    kind: 'view',
    sql: `-- every: 10s\n${forEver}\n-- max groups: 1000000
SELECT bidder, count(*) AS bids ${bids} GROUP BY bidder`,
    batch: `SELECT ${window(10)}, bidder, count(*) AS bids ${bids} GROUP BY ALL`,
    byAppendTime: true,
    published: {},
    note: 'events without a time of their own: they have that of their append',
  },
  {
    name: 'q14',
    title: 'calculation',
    kind: 'projection',
    ...both(`SELECT auction, bidder, 0.908 * price AS price, ${period}, _time, extra,
  length(extra) - length(replace(extra, 'c', '')) AS c_counts ${bids} AND 0.908 * price > 1000000 AND 0.908 * price < 50000000`),
    published: {},
  },
  {
    name: 'q15',
    title: 'bidding statistics',
    kind: 'view',
    sql: `${daysOf(10)}\nSELECT strftime(_time, '%Y-%m-%d') AS day, ${statistics} ${bids} GROUP BY day`,
    batch: `SELECT ${day}, ${statistics} ${bids} GROUP BY ALL`,
    published: { flink: 72 },
  },
  {
    name: 'q16',
    title: 'channel statistics',
    kind: 'view',
    sql: `${daysOf(100_000)}
SELECT channel, strftime(_time, '%Y-%m-%d') AS day, max(strftime(_time, '%H:%M')) AS minute, ${statistics} ${bids}
GROUP BY channel, day`,
    batch: `SELECT ${window(86_400)}, channel, strftime(_time, '%Y-%m-%d') AS day, max(strftime(_time, '%H:%M')) AS minute,
  ${statistics} ${bids} GROUP BY ALL`,
    published: {},
  },
  {
    name: 'q17',
    title: 'auction statistics',
    kind: 'view',
    sql: `${daysOf(1_000_000)}
SELECT auction, strftime(_time, '%Y-%m-%d') AS day, ${counts}, ${prices} ${bids} GROUP BY auction, day`,
    batch: `SELECT ${window(86_400)}, auction, strftime(_time, '%Y-%m-%d') AS day, ${counts}, ${prices} ${bids} GROUP BY ALL`,
    published: { flink: 117, risingWave: 17 },
  },
  {
    name: 'q18',
    title: 'last bid of each bidder for each auction',
    kind: 'view',
    sql: `${daysOf(1_000_000)}\nSELECT bidder, auction, last(price) AS price, max(_time) AS at ${bids} GROUP BY bidder, auction`,
    batch: `SELECT ${window(86_400)}, bidder, auction, arg_max(price, {t: _time, p: price}) AS price, max(_time) AS at
  ${bids} GROUP BY ALL`,
    published: {},
    note: 'of bids in the same millisecond the highest',
  },
  {
    name: 'q21',
    title: 'channel ids',
    kind: 'projection',
    ...both(`SELECT auction, bidder, price, channel, ${channelId} ${bids}
  AND (${channelOf} <> '' OR lower(channel) IN ('apple', 'google', 'facebook', 'baidu'))`),
    published: {},
  },
  {
    name: 'q22',
    title: 'URL directories',
    kind: 'projection',
    ...both(`SELECT auction, bidder, price, channel, split_part(url, '/', 4) AS dir1, split_part(url, '/', 5) AS dir2,
  split_part(url, '/', 6) AS dir3 ${bids}`),
    published: {},
  },
];
