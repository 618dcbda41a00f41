// The shop's views and dashboard.

import type { Panel, Text, Unit } from '../deliver/api.ts';
import type { DefaultSet } from '../deliver/default-views.ts';

export const shopStream = 'shop';

const fine = '-- every: 1s, 1m, 1h, 1d\n-- keep: 1s for 2h, 1m for 14d, 1h for 1y\n';
const coarse = '-- every: 1m, 1h, 1d\n-- keep: 1m for 2h, 1h for 90d\n';

export const shopSet: DefaultSet = {
  views: [
    {
      name: 'shop_traffic',
      text:
        `-- All events together: load, visitors, speed, errors.\n${fine}` +
        'SELECT count(*) AS events, approx_count_distinct("user") AS visitors,\n' +
        '       approx_quantile(latency_ms, [0.5, 0.95, 0.99]) AS latency,\n' +
        '       count_if(status >= 400) AS errors, count_if(status >= 500) AS server_errors\nFROM shop\n',
    },
    {
      name: 'shop_types',
      text: `-- Events by what happened.\n${fine}SELECT type, count(*) AS events\nFROM shop\nGROUP BY type\n`,
    },
    {
      name: 'shop_sales',
      text:
        `-- Orders and revenue.\n${fine}` +
        "SELECT count_if(type = 'order') AS orders, sum(amount) FILTER (WHERE type = 'order') AS revenue,\n" +
        "       count_if(type = 'payment') AS payments, count_if(type = 'payment' AND status >= 500) AS failed_payments\nFROM shop\n",
    },
    {
      name: 'shop_products',
      text: `-- What sells.\n${coarse}SELECT product, count(*) AS orders, sum(amount) AS revenue\nFROM shop\nWHERE type = 'order'\nGROUP BY product\nORDER BY revenue DESC\nLIMIT 200\n`,
    },
    ...['path', 'country', 'agent', 'version'].map(field => ({
      name: `shop_${field}`,
      text: `-- Events by ${field}.\n${coarse}SELECT ${field}, count(*) AS events, approx_count_distinct("user") AS visitors\nFROM shop\nGROUP BY ${field}\nORDER BY events DESC\nLIMIT 200\n`,
    })),
    {
      name: 'shop_campaigns',
      text: `-- What campaigns bring.\n${coarse}SELECT campaign, count(*) AS events, count_if(type = 'order') AS orders, sum(amount) FILTER (WHERE type = 'order') AS revenue\nFROM shop\nWHERE campaign IS NOT NULL\nGROUP BY campaign\nORDER BY events DESC\nLIMIT 50\n`,
    },
  ],
  dashboard: {
    name: 'shop',
    title: { en: 'Shop', ko: '온라인 상점' },
    stream: shopStream,
    range: '-5m',
    panels: [
      stat('events', { en: 'Events', ko: '이벤트' }, 'shop_traffic', 'events', 'count'),
      stat('visitors', { en: 'Visitors', ko: '방문자' }, 'shop_traffic', 'visitors', 'count'),
      stat('revenue', { en: 'Revenue', ko: '매출' }, 'shop_sales', 'revenue', 'currency'),
      {
        ...stat(
          'failed',
          { en: 'Failed payments', ko: '결제 실패율' },
          'shop_sales',
          'failed_payments',
          'ratio',
        ),
        per: 'payments',
      },
      {
        ...series(
          'types',
          { en: 'Events by type', ko: '유형별 이벤트' },
          'shop_types',
          ['events'],
          'count',
          12,
        ),
        series: 'type',
        stacked: true,
      },
      {
        ...series('latency', { en: 'Latency', ko: '응답 시간' }, 'shop_traffic', ['latency'], 'ms', 6),
        labels: ['p50', 'p95', 'p99'],
      },
      {
        ...series('errors', { en: 'Error ratio', ko: '오류율' }, 'shop_traffic', ['errors'], 'ratio', 6),
        per: 'events',
      },
      series('sales', { en: 'Revenue', ko: '매출' }, 'shop_sales', ['revenue'], 'currency', 6),
      series('people', { en: 'Visitors', ko: '방문자' }, 'shop_traffic', ['visitors'], 'count', 6),
      {
        ...list(
          'products',
          { en: 'Products by revenue', ko: '상품별 매출' },
          'shop_products',
          'product',
          'revenue',
          'currency',
        ),
        more: [{ column: 'orders', unit: 'count' }],
      },
      list('paths', { en: 'Paths', ko: '경로' }, 'shop_path', 'path', 'events', 'count'),
      list('countries', { en: 'Countries', ko: '국가' }, 'shop_country', 'country', 'events', 'count'),
      list('agents', { en: 'User agents', ko: '사용자 에이전트' }, 'shop_agent', 'agent', 'events', 'count'),
      list('versions', { en: 'Versions', ko: '버전' }, 'shop_version', 'version', 'events', 'count'),
      {
        ...list(
          'campaigns',
          { en: 'Campaigns', ko: '캠페인' },
          'shop_campaigns',
          'campaign',
          'events',
          'count',
        ),
        more: [{ column: 'orders', unit: 'count' }],
      },
    ],
  },
};

function stat(id: string, title: Text, view: string, column: string, unit: Unit): Panel & { kind: 'stat' } {
  return { id, kind: 'stat', title, view, column, unit, width: 3 };
}

function series(
  id: string,
  title: Text,
  view: string,
  columns: string[],
  unit: Unit,
  width: Panel['width'],
): Panel & { kind: 'timeseries' } {
  return { id, kind: 'timeseries', title, view, columns, unit, width };
}

function list(
  id: string,
  title: Text,
  view: string,
  field: string,
  column: string,
  unit: Unit,
): Panel & { kind: 'list' } {
  return { id, kind: 'list', title, view, unit, width: 6, group: field, field, column, limit: 50 };
}
