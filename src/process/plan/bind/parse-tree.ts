// The part of DuckDB's json_serialize_sql that views use, as types. Unknown classes stay possible: who reads the tree refuses
// what it does not know. What the text leaves out may be absent, null or empty. `query_location` is a byte position in the text;
// 2^64 − 1 means unknown.

export interface TypeNode {
  id: string;
  type_info?: { width?: number; scale?: number };
}

export interface ConstantValue {
  type: TypeNode;
  is_null: boolean;
  value?: unknown;
}

export interface OrderNode {
  type: string;
  null_order: string;
  expression: ExpressionNode;
}

export interface Modifier {
  type: string;
  orders?: OrderNode[];
  limit?: ExpressionNode;
  offset?: ExpressionNode;
}

export interface ExpressionNode {
  class: string;
  type: string;
  alias?: string;
  query_location?: number;
  column_names?: string[];
  value?: ConstantValue;
  function_name?: string;
  schema?: string;
  children?: ExpressionNode[];
  filter?: ExpressionNode;
  order_bys?: Modifier;
  distinct?: boolean;
  export_state?: boolean;
  catalog?: string;
  is_operator?: boolean;
  left?: ExpressionNode;
  right?: ExpressionNode;
  child?: ExpressionNode;
  cast_type?: TypeNode;
  try_cast?: boolean;
  case_checks?: { when_expr: ExpressionNode; then_expr: ExpressionNode }[];
  else_expr?: ExpressionNode;
  input?: ExpressionNode;
  lower?: ExpressionNode;
  upper?: ExpressionNode;
  relation_name?: string;
  exclude_list?: unknown[];
  qualified_exclude_list?: unknown[];
  replace_list?: unknown[];
  rename_list?: unknown[];
  /** Of a star: COLUMNS(…). */
  columns?: boolean;
  /** What COLUMNS(…) takes; ALL has none. */
  expr?: unknown;
}

export interface TableNode {
  type: string;
  alias?: string;
  query_location?: number;
  table_name?: string;
  schema_name?: string;
  catalog_name?: string;
  sample?: unknown;
  left?: TableNode;
  right?: TableNode;
  condition?: ExpressionNode;
  join_type?: string;
  ref_type?: string;
  using_columns?: string[];
  subquery?: { node: QueryNode };
  column_name_alias?: string[];
  at_clause?: unknown;
}

export interface QueryNode {
  type: string;
  modifiers?: Modifier[];
  cte_map?: { map?: { key: string; value: { query: { node: QueryNode }; aliases?: string[] } }[] };
  select_list?: ExpressionNode[];
  from_table?: TableNode;
  where_clause?: ExpressionNode;
  group_expressions?: ExpressionNode[];
  group_sets?: number[][];
  aggregate_handling?: string;
  having?: ExpressionNode;
  qualify?: ExpressionNode;
  sample?: unknown;
  setop_type?: string;
  setop_all?: boolean;
  left?: QueryNode;
  right?: QueryNode;
}

export interface ParseResult {
  error: boolean;
  error_type?: string;
  error_message?: string;
  error_subtype?: string;
  position?: string;
  statements?: { node: QueryNode }[];
}
