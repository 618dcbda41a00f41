// Several engines as one: each view is kept by one of them, so that views share the cores while every engine stays a single loop
// with a state of its own. An engine is started when it is given its first view.
//
// Invariant: a view stays where it was first defined, over restarts too, and a view over another one is where that is.
import { MillraceError } from '../../core/errors.ts';
import type { Engine, EngineStatus, LookupContent, ServingPlan } from '../engine.ts';
import { viewAndResolution } from '../plan/bind/over-view.ts';
import type { ViewChange, ViewDefinition, ViewQuery, ViewResult, ViewSummary } from '../view.ts';

export interface EnginePoolOptions {
  /** Starts the engine that keeps its state under this number. */
  start(index: number): Engine;
  /** Numbers of the engines that have state from before; none starts with engine 0. */
  existing: readonly number[];
  /** New views go to engines below this number. */
  size: number;
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
      for (const { name } of await this.engine(index).views()) this.places.set(name, index);
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
      const isNew = !this.places.has(name);
      const engine = this.engine(await this.place(definition));
      try {
        return await engine.define(definition);
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

  /** The engine of a view, which is noted before it is defined: the engine may list it before it answers. */
  private place(definition: ViewDefinition): Promise<number> {
    const placed = this.placing.then(async () => {
      const { name } = definition;
      const before = this.places.get(name);
      const index = (await this.placeOfViewsUnder(definition)) ?? before ?? this.emptiest();
      // A view that reads others now is where they are.
      if (before !== undefined && before !== index) await this.engine(before).drop(name);
      this.places.set(name, index);
      return index;
    });
    this.placing = placed.catch(() => {});
    return placed;
  }

  /** Where the views are that it reads; undefined where it reads none. */
  private async placeOfViewsUnder(definition: ViewDefinition): Promise<number | undefined> {
    const below = new Set<number>();
    const text = definition.text.toLowerCase();
    const others = [...this.places.keys()].filter(name => name !== definition.name);
    if (others.some(name => text.includes(name.toLowerCase()))) {
      const { streams } = await this.engine(0).check(definition);
      for (const stream of streams) {
        const index = this.places.get(stream) ?? this.places.get(viewAndResolution(stream).base);
        if (index !== undefined) below.add(index);
      }
    }
    if (below.size > 1) {
      throw new MillraceError('view-refused', `"${definition.name}" reads views that are kept apart.`, {
        status: 400,
        remedy: 'Write the SELECT over the streams of these views.',
      });
    }
    return [...below][0];
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
    const under = await this.placeOfViewsUnder(definition);
    return this.engine(under ?? this.places.get(definition.name) ?? 0).check(definition);
  }

  async drop(name: string): Promise<void> {
    await this.engineOf(name).drop(name);
    this.places.delete(name);
  }

  async views(): Promise<ViewSummary[]> {
    return (await Promise.all(this.all().map(engine => engine.views()))).flat();
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
    return {
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
