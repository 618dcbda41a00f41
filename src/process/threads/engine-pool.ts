// Several engines as one: each view is kept by one of them, so that views share the cores while every engine stays a single loop
// with a state of its own. An engine is started when it is given its first view.
//
// Invariant: a view over another one is where that is; else a view stays where it was first defined, over restarts too. Views that
// come to be read together are moved together, which fills those that move from the history again.
import { isPassing, MillraceError } from '../../core/errors.ts';
import type { Engine, EngineStatus, LookupContent, ServingPlan, ViewPage, ViewPageQuery } from '../engine.ts';
import { viewMeant } from '../plan/bind/catalog.ts';
import type { ViewChange, ViewDefinition, ViewQuery, ViewResult, ViewSummary } from '../view.ts';

export interface EnginePoolOptions {
  /** Starts the engine that keeps its state under this number. */
  start(index: number): Engine;
  /** Numbers of the engines that have state from before; none starts with engine 0. */
  existing: readonly number[];
  /** New views go to engines below this number. */
  size: number;
  /** The names behind FROM in a SELECT; throws for text that does not parse. */
  tables(sql: string): Promise<string[]>;
  /** Called with the text of a view before it is planned: what can be learned of the streams it reads is then told by `setSchema`. */
  learn?(text: string): Promise<void>;
}

export async function openEnginePool(options: EnginePoolOptions): Promise<Engine> {
  const pool = new EnginePool(options);
  try {
    await pool.open();
  } catch (thrown) {
    await pool.close();
    throw thrown;
  }
  return pool;
}

function orPassing(thrown: unknown): void {
  if (!isPassing(thrown)) throw thrown;
}

class EnginePool implements Engine {
  private readonly options: EnginePoolOptions;
  private readonly engines = new Map<number, Engine>();
  /** The engine of each view. */
  private readonly places = new Map<string, number>();
  private readonly listeners = new Set<(change: ViewChange) => void>();
  private readonly watches = new Set<{ view: string; everyMs: number; stops: (() => void)[] }>();
  /** What engines that are started later have to be told, by what it is about. */
  private readonly news = new Map<string, (engine: Engine) => Promise<void>>();
  private readonly epoch = Date.now().toString(36);
  private nextId = 1;
  /** Views are placed one after another; definitions of one view follow each other. */
  private placing: Promise<unknown> = Promise.resolve();
  private readonly defining = new Map<string, Promise<unknown>>();

  constructor(options: EnginePoolOptions) {
    this.options = options;
  }

  async open(): Promise<void> {
    for (const index of new Set([0, ...this.options.existing])) {
      const engine = this.engine(index);
      for (const { name } of (await engine.views()).toReversed()) {
        if (!this.places.has(name)) this.places.set(name, index);
        // Of one that was being moved there are two. Where the store takes nothing now, the second one only takes room.
        else await engine.drop(name).catch(orPassing);
      }
    }
  }

  private engine(index: number): Engine {
    let engine = this.engines.get(index);
    if (engine === undefined) {
      engine = this.options.start(index);
      this.engines.set(index, engine);
      engine.onChange(change => {
        const numbered = { ...change, id: this.nextId++, epoch: this.epoch };
        for (const listener of this.listeners) listener(numbered);
      });
      for (const tell of this.news.values()) tell(engine).catch(() => {});
      for (const watch of this.watches) watch.stops.push(engine.watch(watch.view, watch.everyMs));
    }
    return engine;
  }

  private all(): Engine[] {
    return [...this.engines.values()];
  }

  async define(definition: ViewDefinition): Promise<ViewSummary> {
    const { name } = definition;
    const before = this.defining.get(name);
    const defined = (async () => {
      await before?.catch(() => {});
      await this.options.learn?.(definition.text);
      const isNew = !this.places.has(name);
      const index = await this.place(definition);
      try {
        const defined = await this.engine(index).define(definition);
        await this.leave(name, index);
        return defined;
      } catch (thrown) {
        if (isNew) this.places.delete(name);
        throw thrown;
      }
    })();
    this.defining.set(name, defined);
    try {
      return await defined;
    } finally {
      if (this.defining.get(name) === defined) this.defining.delete(name);
    }
  }

  /**
   * The engine of a view, which is noted before it is defined: the engine may list it before it answers. One that nobody reads stays noted
   * where it was until its definition is accepted elsewhere.
   */
  private place(definition: ViewDefinition): Promise<number> {
    const placed = this.placing.then(async () => {
      const { name } = definition;
      const below = await this.viewsUnder(definition);
      const index = this.places.get(below[0] ?? name) ?? this.emptiest();
      for (const other of below) if (this.places.get(other) !== index) await this.move(other, index);
      const before = this.places.get(name);
      if (before === undefined) this.places.set(name, index);
      else if (before !== index && (await this.isRead(name))) await this.move(name, index);
      return index;
    });
    this.placing = placed.catch(() => {});
    return placed;
  }

  private async isRead(name: string): Promise<boolean> {
    return (await this.engineOf(name).views()).some(({ streams }) => streams.includes(name));
  }

  /** A view that has been defined in this engine is no longer where it was. */
  private async leave(name: string, index: number): Promise<void> {
    const before = this.engineOf(name);
    this.places.set(name, index);
    if (before !== this.engine(index)) await before.drop(name);
  }

  /** The views that it reads. Text that does not parse reads none, and is refused where it is defined. */
  private async viewsUnder({ name, text }: ViewDefinition): Promise<string[]> {
    const lower = text.toLowerCase();
    if (![...this.places.keys()].some(other => other !== name && lower.includes(other.toLowerCase())))
      return [];
    const tables = await this.options.tables(text).catch((thrown): string[] => {
      if (isPassing(thrown)) throw thrown;
      return [];
    });
    const names = tables.flatMap(table => viewMeant([...this.places.keys()], table) ?? []);
    return [...new Set(names)].filter(other => other !== name);
  }

  /** Moves a view to another engine, with all that it reads and that reads it, each after what it reads. */
  private async move(name: string, index: number): Promise<void> {
    const from = this.engineOf(name);
    const all = await from.views();
    const connected = new Set([name]);
    for (let before = 0; before < connected.size; ) {
      before = connected.size;
      for (const view of all) {
        const names = [view.name, ...view.streams].filter(one => this.places.has(one));
        if (names.some(one => connected.has(one))) for (const one of names) connected.add(one);
      }
    }
    const waiting = all.filter(view => connected.has(view.name));
    const ordered: ViewSummary[] = [];
    while (ordered.length < waiting.length) {
      const left = waiting.filter(view => !ordered.includes(view));
      const next = left.find(
        view => !left.some(other => other !== view && view.streams.includes(other.name)),
      );
      ordered.push(next ?? left[0]!);
    }
    const to = this.engine(index);
    const moved: string[] = [];
    try {
      for (const view of ordered) {
        await to.define({ name: view.name, text: view.sql });
        moved.unshift(view.name);
      }
    } catch (thrown) {
      // What was accepted once may be refused now: they stay where they are.
      for (const one of moved) await to.drop(one);
      throw thrown;
    }
    for (const one of moved) this.places.set(one, index);
    for (const one of moved) await from.drop(one);
  }

  /** The engine with the fewest views. */
  private emptiest(): number {
    const views = new Array<number>(this.options.size).fill(0);
    for (const index of this.places.values()) if (index < views.length) views[index]! += 1;
    return views.indexOf(Math.min(...views));
  }

  private engineOf(name: string): Engine {
    const index = this.places.get(name);
    if (index === undefined) {
      throw new MillraceError('unknown-view', `There is no view "${name}".`, { status: 404 });
    }
    return this.engine(index);
  }

  async check(definition: ViewDefinition): Promise<ViewSummary> {
    const [under = definition.name] = await this.viewsUnder(definition);
    return this.engine(this.places.get(under) ?? 0).check(definition);
  }

  async drop(name: string): Promise<void> {
    await this.engineOf(name).drop(name);
    this.places.delete(name);
  }

  async views(): Promise<ViewSummary[]> {
    const lists = await Promise.all(
      [...this.engines].map(async ([index, engine]) => {
        const views = await engine.views();
        return views.filter(({ name }) => this.places.get(name) === index);
      }),
    );
    return lists.flat();
  }

  async plan(name: string): Promise<ServingPlan> {
    return this.engineOf(name).plan(name);
  }

  setLookup(name: string, content: LookupContent | undefined): Promise<void> {
    return this.tell(`lookup ${name}`, engine => engine.setLookup(name, content));
  }

  setSchema(stream: string, columns: { name: string; type: string }[]): Promise<void> {
    return this.tell(`schema ${stream}`, engine => engine.setSchema(stream, columns));
  }

  /** Tells every engine, and those that are started later. */
  private async tell(about: string, tell: (engine: Engine) => Promise<void>): Promise<void> {
    this.news.set(about, tell);
    await Promise.all(this.all().map(tell));
  }

  async query(query: ViewQuery): Promise<ViewResult> {
    return this.engineOf(query.view).query(query);
  }

  async page(query: ViewPageQuery): Promise<ViewPage> {
    return this.engineOf(query.view).page(query);
  }

  onChange(listener: (change: ViewChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Every engine is told, since a view may be watched before it is defined. */
  watch(view: string, everyMs: number): () => void {
    const watch = { view, everyMs, stops: this.all().map(engine => engine.watch(view, everyMs)) };
    this.watches.add(watch);
    return () => {
      if (this.watches.delete(watch)) for (const stop of watch.stops) stop();
    };
  }

  async settled(): Promise<void> {
    await Promise.all(this.all().map(engine => engine.settled()));
  }

  /** Positions are those of the engine that is furthest behind; events read by several engines count once. */
  async status(): Promise<EngineStatus> {
    const all = await Promise.all(this.all().map(engine => engine.status()));
    const positions = new Map<string, EngineStatus['positions'][number]>();
    for (const position of all.flatMap(status => status.positions)) {
      const key = `${position.partition} ${position.stream}`;
      const known = positions.get(key);
      if (known === undefined || position.lag > known.lag) positions.set(key, position);
    }
    const sum = (pick: (status: EngineStatus) => number): number =>
      all.reduce((total, status) => total + pick(status), 0);
    const problem = all.find(status => status.problem !== undefined)?.problem;
    return {
      ...(problem === undefined ? {} : { problem }),
      positions: [...positions.values()],
      eventsRead: Math.max(...all.map(status => status.eventsRead)),
      stateBytes: sum(status => status.stateBytes),
      memoryBytes: sum(status => status.memoryBytes),
    };
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.defining.values());
    await Promise.all(this.all().map(engine => engine.close()));
  }
}
