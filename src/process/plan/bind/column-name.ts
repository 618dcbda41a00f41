// The name that DuckDB gives a result column without an alias: the expression as it writes it.
import { keywords } from './keywords.ts';
import type { ExpressionNode, OrderNode } from './parse-tree.ts';

const comparisons: Record<string, string> = {
  COMPARE_EQUAL: '=',
  COMPARE_NOTEQUAL: '!=',
  COMPARE_LESSTHAN: '<',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_GREATERTHAN: '>',
  COMPARE_GREATERTHANOREQUALTO: '>=',
  COMPARE_DISTINCT_FROM: 'IS DISTINCT FROM',
  COMPARE_NOT_DISTINCT_FROM: 'IS NOT DISTINCT FROM',
};

/** The column name of a select item: its alias, the last part of a column's name, or its text. */
export function columnName(node: ExpressionNode): string {
  if (node.alias) return node.alias;
  return node.class === 'COLUMN_REF' ? node.column_names!.at(-1)! : written(node);
}

const identifier = (name: string) =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !keywords.has(name.toLowerCase())
    ? name
    : `"${name.replaceAll('"', '""')}"`;

function written(node: ExpressionNode): string {
  const children = () => (node.children ?? []).map(written);
  switch (node.class) {
    case 'COLUMN_REF':
      return node.column_names!.map(identifier).join('.');
    case 'CONSTANT':
      return constant(node);
    case 'COMPARISON':
      return `(${written(node.left!)} ${comparisons[node.type]} ${written(node.right!)})`;
    case 'CONJUNCTION':
      return `(${children().join(node.type === 'CONJUNCTION_OR' ? ' OR ' : ' AND ')})`;
    case 'BETWEEN':
      return `(${written(node.input!)} BETWEEN ${written(node.lower!)} AND ${written(node.upper!)})`;
    case 'CASE':
      return `CASE ${(node.case_checks ?? [])
        .map(check => ` WHEN (${written(check.when_expr)}) THEN (${written(check.then_expr)})`)
        .join('')} ELSE ${node.else_expr ? written(node.else_expr) : 'NULL'} END`;
    case 'CAST': {
      const type = node.cast_type!;
      const info = type.id === 'DECIMAL' ? `(${type.type_info?.width}, ${type.type_info?.scale})` : '';
      const name = ['DATE', 'TIME'].includes(type.id) ? `"${type.id}"` : type.id;
      return `${node.try_cast ? 'TRY_CAST' : 'CAST'}(${written(node.child!)} AS ${name}${info})`;
    }
    case 'OPERATOR':
      return operator(node, children());
    case 'FUNCTION':
      return call(node, children());
    default:
      return node.class.toLowerCase();
  }
}

function operator(node: ExpressionNode, args: string[]): string {
  switch (node.type) {
    case 'OPERATOR_IS_NULL':
      return `(${args[0]} IS NULL)`;
    case 'OPERATOR_IS_NOT_NULL':
      return `(${args[0]} IS NOT NULL)`;
    case 'OPERATOR_NOT':
      return `(NOT ${args[0]})`;
    case 'COMPARE_IN':
      return `(${args[0]} IN (${args.slice(1).join(', ')}))`;
    case 'COMPARE_NOT_IN':
      return `(${args[0]} NOT IN (${args.slice(1).join(', ')}))`;
    case 'OPERATOR_COALESCE':
      return `COALESCE(${args.join(', ')})`;
    case 'ARRAY_EXTRACT':
      return `${args[0]}[${args[1]}]`;
    default:
      return `${node.type}(${args.join(', ')})`;
  }
}

function call(node: ExpressionNode, args: string[]): string {
  const name = node.function_name!;
  if (node.is_operator && args.length === 2) return `(${args[0]} ${name} ${args[1]})`;
  if (node.is_operator && args.length === 1) return `${name}(${args[0]})`;
  const quoted = `${node.schema ? `${identifier(node.schema)}.` : ''}${identifier(name)}`;
  const distinct = node.distinct ? 'DISTINCT ' : '';
  const orders = node.order_bys?.orders ?? [];
  const order = orders.length > 0 ? ` ORDER BY ${orders.map(orderText).join(', ')}` : '';
  const filter = node.filter ? ` FILTER (WHERE ${written(node.filter)})` : '';
  return `${quoted}(${distinct}${args.join(', ')}${order})${filter}`;
}

function orderText(order: OrderNode): string {
  const direction = order.type === 'DESCENDING' ? ' DESC' : order.type === 'ASCENDING' ? ' ASC' : '';
  const nulls = order.null_order === 'ORDER_DEFAULT' ? '' : ` ${order.null_order}`;
  return `${written(order.expression)}${direction}${nulls}`;
}

function constant(node: ExpressionNode): string {
  const { type, is_null, value } = node.value!;
  if (is_null) return 'NULL';
  if (type.id === 'VARCHAR') return `'${String(value).replaceAll("'", "''")}'`;
  if (type.id === 'DECIMAL') {
    const scale = type.type_info?.scale ?? 0;
    const digits = String(Math.abs(Number(value))).padStart(scale + 1, '0');
    const sign = Number(value) < 0 ? '-' : '';
    return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  }
  if (type.id === 'DOUBLE' && Number.isInteger(value)) return `${value}.0`;
  return String(value);
}
