// Which tables a SELECT reads, from DuckDB's parse tree: names in FROM that no WITH of an enclosing query defines.

interface TreeNode {
  [key: string]: unknown;
}

/** Table names in order of appearance, each once, as written. */
export function tableNames(tree: unknown): string[] {
  const names = new Set<string>();
  visit(tree, new Set(), names);
  return [...names];
}

function visit(node: unknown, defined: ReadonlySet<string>, names: Set<string>): void {
  if (Array.isArray(node)) {
    for (const item of node) visit(item, defined, names);
    return;
  }
  if (node === null || typeof node !== 'object') return;
  const tree = node as TreeNode;
  let scope = defined;
  const common = (tree['cte_map'] as { map?: { key: string }[] } | undefined)?.map;
  if (common && common.length > 0) {
    scope = new Set([...defined, ...common.map(entry => entry.key.toLowerCase())]);
  }
  if (tree['type'] === 'BASE_TABLE' && typeof tree['table_name'] === 'string') {
    const name = tree['table_name'];
    const schema = tree['schema_name'];
    if ((schema === '' || schema === 'main') && !scope.has(name.toLowerCase())) names.add(name);
  }
  for (const value of Object.values(tree)) visit(value, scope, names);
}
