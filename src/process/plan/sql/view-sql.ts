// The rows of a view as a relation that another view reads.
import type { Expression, Plan } from '../plan.ts';
import { anyAsJson } from './any-sql.ts';
import { fieldShares, outputInexactness } from './bound-sql.ts';
import { locate, type SourceRelations, type SqlRelation } from './column-type.ts';
import { DriftedOutputs } from './drifted-sql.ts';
import { quoteName } from './field-sql.ts';
import { type PlanSqlOptions, planSql, readsMixed } from './plan-sql.ts';

/** The view below by its own SELECT. */
export function viewRelation(below: Plan, options: PlanSqlOptions): SqlRelation {
  const sql = planSql(below, options);
  const drifted = new DriftedOutputs(below, options.events);
  const shares = fieldShares(below, options.events);
  // With any field that is of several types, all that are taken as they are come as structs.
  const mixed = readsMixed(below, options.events);
  const typeOf = (expression: Expression): string | undefined =>
    mixed && expression.type === 'any' ? 'JSON' : shownType(below, expression, options.events);
  const columns = below.outputs.map(({ name, column, expression }) => {
    const share = outputInexactness(below, expression, shares, drifted.sums);
    return {
      name,
      type: drifted.typeOf(expression) ?? typeOf(expression) ?? column.type,
      ...(share > 0 ? { share } : {}),
    };
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

/** The type of a group by a field as it is, where its columns in the history are of one; as JSON a whole number would lose digits. */
function shownType({ sources }: Plan, expression: Expression, events: SourceRelations): string | undefined {
  if (expression.kind !== 'group' || expression.type !== 'any') return undefined;
  const types = sources.map(({ stream, groups }, at) => {
    const group = groups[expression.index]!;
    const found = group.kind === 'field' ? locate(events(stream, at).columns, group.path) : undefined;
    return found?.rest.length === 0 ? found.type : undefined;
  });
  return new Set(types).size === 1 && types[0] === 'BIGINT' ? types[0] : undefined;
}
