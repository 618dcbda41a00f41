// The rows of a view as a relation that another view reads.
import type { Plan } from '../plan.ts';
import { anyAsJson } from './any-sql.ts';
import type { SqlRelation } from './column-type.ts';
import { quoteName } from './field-sql.ts';
import { driftedSums, type PlanSqlOptions, planSql } from './plan-sql.ts';

/** The view below by its own SELECT. */
export function viewRelation(below: Plan, options: PlanSqlOptions): SqlRelation {
  const sql = planSql(below, options);
  // A sum of whole numbers that have drifted has fractions.
  const drifted = driftedSums(below, options.events);
  const columns = below.outputs.map(({ name, column, expression }) => {
    const hasDrifted = expression.kind === 'aggregate' && drifted.has(expression.index);
    return { name, type: hasDrifted ? 'DOUBLE' : column.type };
  });
  // A column of any type is JSON to those that read it, whatever the stream has shown since.
  const json = columns.filter(({ type }) => type === 'JSON').map(({ name }) => quoteName(name));
  const replaced = json.map(name => `${anyAsJson(name)} AS ${name}`).join(', ');
  const star = `* EXCLUDE (_start, _end)${json.length > 0 ? ` REPLACE (${replaced})` : ''}`;
  const bounds = ['window_start', 'window_end'].map(name => ({ name, type: 'TIMESTAMP' }));
  return {
    from: `(SELECT _start AS _time, _start AS window_start, _end AS window_end, ${star} FROM (${sql}))`,
    columns: [...columns, ...bounds],
  };
}
