// What a bare name means beside the columns of its own SELECT. As in DuckDB a field comes before an alias, but in HAVING; and since a
// stream may show any field one day, arguments of aggregates and WHERE speak of fields alone. Elsewhere a name that is no known field is
// the alias, for good: the plan remembers it, so that no later field changes what a running view says.
import type { Source } from '../refusal.ts';
import { positionOf } from './bind-expression.ts';
import type { Input } from './input.ts';
import { hasAggregate, mentions, parts } from './node-shape.ts';
import type { ExpressionNode } from './parse-tree.ts';

/** Where a name stands: in WHERE, in HAVING, or anywhere else outside of aggregates. */
export type Place = 'where' | 'having' | 'other';

export class SelectAliases {
  /** Names that were no known fields and are aliases. */
  readonly taken = new Set<string>();
  private readonly source: Source;
  private readonly items: readonly ExpressionNode[];
  private readonly remembered: ReadonlySet<string>;
  private readonly inputs: readonly Input[];
  private readonly binding = new Set<string>();
  /** Of each item once: of aliases made of aliases, each named twice, there would be no end. */
  private readonly withAggregate = new Map<ExpressionNode, boolean>();
  /** The item that is being bound: only those before it are known there. */
  private at: number | undefined;
  /** The first field in WHERE that is not known and has the name of an alias. */
  private unknown: ExpressionNode | undefined;

  constructor(
    source: Source,
    items: readonly ExpressionNode[],
    inputs: readonly Input[],
    remembered: readonly string[] = [],
  ) {
    this.source = source;
    this.items = items;
    this.inputs = inputs;
    this.remembered = new Set(remembered);
  }

  /** Runs `bind`, which binds a node, an item of the SELECT or not: in an item its own alias is a field. */
  within<T>(node: ExpressionNode, bind: () => T): T {
    const key = node.alias?.toLowerCase();
    const index = this.items.indexOf(node);
    const before = this.at;
    if (key) this.binding.add(key);
    if (index >= 0) this.at = index;
    try {
      return bind();
    } finally {
      if (key) this.binding.delete(key);
      this.at = before;
    }
  }

  /**
   * To be called when all is bound: a field in WHERE that has not been shown lets no event through, and where others have been shown, the
   * alias of its name is meant most likely.
   */
  refuseUnknown(): void {
    if (!this.unknown || !this.inputs.some(input => input.hasShown())) return;
    const [name] = this.unknown.column_names!;
    const { named, stream } = this.inputs[0]!;
    this.source.refuse(
      positionOf(this.source, this.unknown),
      `WHERE is about fields, and no event had a field "${name}".`,
      `Write what stands before AS ${name}, or ${named ?? stream}.${name} for a field that is to come.`,
    );
  }

  find(name: string): ExpressionNode | undefined {
    return this.items.find(node => node.alias?.toLowerCase() === name.toLowerCase());
  }

  /** The item that a node means by its alias; undefined where it means a field. */
  meant(node: ExpressionNode, place: Place): ExpressionNode | undefined {
    const item = this.candidate(node);
    if (!item) return undefined;
    if (place === 'having' && this.at === undefined) return item;
    const name = node.column_names![0]!;
    if (this.isKnown(name) || mentions(item, name)) return undefined;
    if (this.at !== undefined && this.items.indexOf(item) > this.at) return undefined;
    const isOpen = this.inputs.some(input => input.isOpen);
    if (place === 'where' && isOpen) {
      if (!hasAggregate(item)) this.unknown ??= node;
      return undefined;
    }
    if (isOpen) this.taken.add(name.toLowerCase());
    return item;
  }

  /** Whether an item has an aggregate, or an alias of one. */
  reachesAggregate(item: ExpressionNode): boolean {
    let reaches = this.withAggregate.get(item);
    if (reaches === undefined) {
      reaches =
        hasAggregate(item) ||
        this.within(item, () => columnsIn(item).some(node => this.meansAggregate(node)));
      this.withAggregate.set(item, reaches);
    }
    return reaches;
  }

  private meansAggregate(node: ExpressionNode): boolean {
    const item = this.candidate(node);
    if (!item || this.items.indexOf(item) > this.at!) return false;
    const name = node.column_names![0]!;
    return !this.isKnown(name) && !mentions(item, name) && this.reachesAggregate(item);
  }

  private candidate(node: ExpressionNode): ExpressionNode | undefined {
    if (node.class !== 'COLUMN_REF' || node.column_names!.length !== 1) return undefined;
    const name = node.column_names![0]!;
    const item = this.find(name);
    return item === node || this.binding.has(name.toLowerCase()) ? undefined : item;
  }

  private isKnown(name: string): boolean {
    return !this.remembered.has(name.toLowerCase()) && this.inputs.some(input => input.knows(name));
  }
}

function columnsIn(node: ExpressionNode): ExpressionNode[] {
  return node.class === 'COLUMN_REF' ? [node] : parts(node).flatMap(columnsIn);
}
