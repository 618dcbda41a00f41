// uPlot under our tokens and formats. The page owns the data; the chart owns its canvas, the cursor that all charts
// share, and zoom by dragging or by keyboard. Colours are read at each draw, so a change of theme only redraws.
import uPlot from 'uplot';
import type { Unit } from '../../deliver/api.ts';
import { formatTicks, formatValue } from '../format.ts';
import { language } from '../language.ts';
import { token } from '../theme.ts';
import type { Span } from '../time-range.ts';
import { zone } from '../zone.ts';
import { type Line, type Paint, type Series, stack } from './lines.ts';

export interface ChartOptions {
  unit: Unit;
  isStacked: boolean;
  /** Charts with the same key share the cursor. */
  syncKey: string;
  onZoom: (span: Span) => void;
  onZoomOut: () => void;
  /** The index under the cursor of this chart and its place in CSS pixels; null when the pointer is elsewhere. */
  onHover: (hover: { index: number; left: number; isOwn: boolean } | null) => void;
}

/** CSS colour of a line. */
export function colorOf(paint: Paint): string {
  if (typeof paint === 'number') return token(`--series-${(paint % 8) + 1}`);
  return token(paint === 'other' ? '--series-other' : `--${paint}`);
}

/** Draws a value only where it has no neighbour to be joined with. */
function isolated(u: uPlot, seriesIndex: number): number[] {
  const values = u.data[seriesIndex] as (number | null)[];
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i);
  }
  return found;
}

export class Chart {
  private plot: uPlot | undefined;
  private shape = '';
  private domain: Span = { fromMs: 0, toMs: 1 };
  private series: Series = { times: [], everyMs: 0, lines: [] };
  private readonly element: HTMLElement;
  private readonly options: ChartOptions;
  private readonly resize: ResizeObserver;

  constructor(element: HTMLElement, options: ChartOptions) {
    this.element = element;
    this.options = options;
    this.resize = new ResizeObserver(() => {
      if (this.plot) this.plot.setSize(this.size());
    });
    this.resize.observe(element);
  }

  destroy(): void {
    this.resize.disconnect();
    this.plot?.destroy();
    this.plot = undefined;
  }

  /** Shows other data; the canvas is made anew only when the set of lines is another. */
  draw(series: Series, domain: Span, hidden: Set<string>): void {
    this.series = series;
    this.domain = domain;
    const visible = series.lines.filter(line => !hidden.has(line.key));
    const drawn = this.options.isStacked ? [...visible].reverse() : visible;
    const stacked = this.options.isStacked ? stack(visible).reverse() : undefined;
    const values = stacked ?? drawn.map(line => line.values);
    const data = [series.times, ...values] as uPlot.AlignedData;
    const shape = JSON.stringify([drawn.map(line => [line.key, line.paint]), series.everyMs]);
    if (this.plot && shape === this.shape) {
      this.plot.batch(() => {
        this.plot!.setData(data, false);
        this.rescale();
      });
      return;
    }
    this.shape = shape;
    this.plot?.destroy();
    this.plot = new uPlot(this.config(drawn), data, this.element);
    this.plot.batch(() => this.rescale());
  }

  /** Draws again what is there, for another theme or language. */
  redraw(): void {
    // Paths are built anew too: those of bars keep their colours.
    this.plot?.redraw(true, true);
  }

  /** Moves the cursor by whole windows, for the keyboard. */
  step(by: number): void {
    const plot = this.plot;
    if (!plot || this.series.times.length === 0) return;
    const last = this.series.times.length - 1;
    const current = plot.cursor.idx ?? (by > 0 ? -1 : last + 1);
    const index = Math.min(last, Math.max(0, current + by));
    const left = plot.valToPos(this.series.times[index]!, 'x');
    // The third argument, which tells the other charts, is missing from the library's types.
    const setCursor = plot.setCursor as (
      at: { left: number; top: number },
      fire: boolean,
      tell: boolean,
    ) => void;
    setCursor({ left, top: plot.over.clientHeight / 2 }, true, true);
  }

  /** The time under the cursor, ms. */
  cursorMs(): number | undefined {
    const index = this.plot?.cursor.idx;
    return index == null ? undefined : this.series.times[index];
  }

  clearCursor(): void {
    this.plot?.setCursor({ left: -10, top: -10 });
  }

  /** The window at a place: a bar spans its window, a point is the nearest. */
  private indexAt(plot: uPlot, left: number): number | undefined {
    const { times, everyMs } = this.series;
    if (times.length === 0) return undefined;
    const nearest = plot.cursor.idx ?? plot.posToIdx(left);
    if (!this.options.isStacked) return nearest;
    const atMs = plot.posToVal(left, 'x');
    const index = nearest > 0 && times[nearest]! > atMs ? nearest - 1 : nearest;
    return atMs >= times[index]! && atMs < times[index]! + everyMs ? index : undefined;
  }

  private rescale(): void {
    const plot = this.plot!;
    plot.setScale('x', { min: this.domain.fromMs, max: this.domain.toMs });
  }

  private size(): { width: number; height: number } {
    return {
      width: Math.max(60, this.element.clientWidth),
      height: Math.max(60, this.element.clientHeight),
    };
  }

  private config(lines: Line[]): uPlot.Options {
    const { options } = this;
    const everyMs = this.series.everyMs;
    const font = `11px ${token('--font')}`;
    const isStacked = options.isStacked;
    return {
      ...this.size(),
      ms: 1,
      padding: [10, 16, 0, 0],
      tzDate: ms => (zone.value === 'UTC' ? uPlot.tzDate(new Date(ms), 'Etc/UTC') : new Date(ms)),
      legend: { show: false },
      focus: { alpha: 1 },
      cursor: {
        y: false,
        points: isStacked ? { show: false } : { size: 7, width: 0 },
        drag: { x: true, y: false, setScale: false, dist: 6 },
        sync: { key: options.syncKey, setSeries: false, scales: ['x', null] },
        bind: {
          dblclick: () => () => {
            options.onZoomOut();
            return null;
          },
        },
      },
      scales: {
        x: { time: true, range: () => [this.domain.fromMs, this.domain.toMs] },
        y: {
          range: (_u, min, max) => {
            if (min == null || max == null) return [0, 1];
            if (options.unit === 'ratio' && max <= 0) return [0, 0.01];
            const top = max <= 0 ? 1 : max;
            return [Math.min(0, min), top * 1.08];
          },
        },
      },
      series: [
        {},
        ...lines.map((line): uPlot.Series => {
          const stroke = () => colorOf(line.paint);
          return isStacked
            ? {
                scale: 'y',
                stroke,
                fill: stroke,
                width: 0,
                points: { show: false },
                paths: uPlot.paths.bars!({ align: 1, size: [1, Number.POSITIVE_INFINITY], gap: 1 }),
              }
            : {
                scale: 'y',
                stroke,
                width: 1.5,
                fill: lines.length === 1 ? () => fade(this.plot, colorOf(line.paint)) : undefined,
                points: { show: true, size: 4, width: 0, fill: stroke, filter: isolated },
              };
        }),
      ],
      axes: [
        {
          scale: 'x',
          font,
          stroke: () => token('--text-faint'),
          grid: { show: false },
          ticks: { stroke: () => token('--line'), width: 1, size: 4 },
          gap: 4,
          // A second line where days are named.
          size: (_u, values) => (values?.some(value => value?.includes('\n')) ? 36 : 22),
          space: 80,
          values: (_u, splits, _axis, _space, stepMs) =>
            formatTicks(splits, stepMs, language.value, zone.value),
        },
        {
          scale: 'y',
          font,
          stroke: () => token('--text-faint'),
          grid: { stroke: () => token('--line-soft'), width: 1 },
          ticks: { show: false },
          border: { show: false },
          gap: 6,
          space: 36,
          incrs: options.unit === 'count' ? wholeSteps : undefined,
          size: (u, values) => {
            if (!values) return 44;
            u.ctx.font = font;
            const widest = Math.max(0, ...values.map(value => u.ctx.measureText(value ?? '').width));
            return Math.max(40, Math.ceil(widest) + 12);
          },
          values: (_u, splits) => splits.map(value => formatValue(value, options.unit, language.value, true)),
        },
      ],
      hooks: {
        setSelect: [
          u => {
            const { left, width } = u.select;
            if (width < 4) return;
            const fromMs = u.posToVal(left, 'x');
            const toMs = u.posToVal(left + width, 'x');
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            // Whole windows, unless less than one was selected.
            const round = (ms: number, by: (n: number) => number) => by(ms / everyMs) * everyMs;
            const isWhole = everyMs > 0 && toMs - fromMs >= everyMs;
            options.onZoom(
              isWhole
                ? { fromMs: round(fromMs, Math.floor), toMs: round(toMs, Math.ceil) }
                : { fromMs: Math.round(fromMs), toMs: Math.round(toMs) },
            );
          },
        ],
        setCursor: [
          u => {
            const left = u.cursor.left ?? -1;
            const index = left < 0 ? undefined : this.indexAt(u, left);
            if (index === undefined) options.onHover(null);
            else options.onHover({ index, left: left + u.over.offsetLeft, isOwn: u.cursor.event != null });
          },
        ],
      },
    };
  }
}

const wholeSteps = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map(n => n * 10 ** power)).flat();

function fade(plot: uPlot | undefined, color: string): CanvasGradient | string {
  if (!plot) return 'transparent';
  const { top, height } = plot.bbox;
  if (!Number.isFinite(top + height) || height <= 0) return 'transparent';
  const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height);
  gradient.addColorStop(0, `${color}47`);
  gradient.addColorStop(1, `${color}05`);
  return gradient;
}
