// Draws the pictures of docs/ as plain SVG: panels under one another that share the horizontal axis.

export interface Panel {
  title: string;
  lines: { values: ArrayLike<number>; colour: string; from?: number; label?: string }[];
  band?: { low: ArrayLike<number>; high: ArrayLike<number>; from: number; colour: string };
  /** Shaded spans [first, last] of positions. */
  spans?: readonly (readonly [number, number])[];
  /** A dashed level across the panel. */
  level?: number;
  low?: number;
  high?: number;
  height?: number;
}

export const colours = {
  ink: '#24292f',
  blue: '#0969da',
  orange: '#bc4c00',
  green: '#1a7f37',
  shade: '#ffd8b5',
};

const width = 860;
const left = 46;
const right = 12;
const round = (x: number): string => (Math.round(x * 10) / 10).toString();
const text = (x: number, y: number, words: string, anchor = 'start', colour = colours.ink): string =>
  `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${colour}">${words}</text>`;

function drawPanel(panel: Panel, top: number, length: number): string {
  const height = panel.height ?? 110;
  const all = panel.lines.flatMap(line => Array.from(line.values));
  if (panel.band) all.push(...Array.from(panel.band.low), ...Array.from(panel.band.high));
  const low = panel.low ?? Math.min(...all);
  const high = panel.high ?? Math.max(...all);
  const x = (i: number): number => left + (i / Math.max(1, length - 1)) * (width - left - right);
  const y = (value: number): number => top + height - ((value - low) / (high - low || 1)) * height;
  const inside = (value: number): number => Math.min(high, Math.max(low, value));
  const points = (values: ArrayLike<number>, from: number): string[] => {
    const heights = Array.from(values, value => round(y(inside(value))));
    // Points in the middle of a level stretch say nothing.
    return heights.flatMap((at, i) =>
      i > 0 && at === heights[i - 1] && at === heights[i + 1] ? [] : [`${round(x(from + i))},${at}`],
    );
  };
  const parts = [
    `<rect x="${left}" y="${top}" width="${width - left - right}" height="${height}" fill="none" stroke="#d0d7de"/>`,
  ];
  for (const [first, last] of panel.spans ?? []) {
    const spanWidth = Math.max(2, x(last) - x(first));
    parts.push(
      `<rect x="${round(x(first))}" y="${top}" width="${round(spanWidth)}" height="${height}" fill="${colours.shade}"/>`,
    );
  }
  if (panel.band) {
    const { low: bottoms, high: tops, from, colour } = panel.band;
    const outline = [...points(tops, from), ...points(bottoms, from).reverse()];
    parts.push(`<polygon points="${outline.join(' ')}" fill="${colour}" fill-opacity="0.18"/>`);
  }
  if (panel.level !== undefined) {
    const at = round(y(panel.level));
    parts.push(
      `<line x1="${left}" y1="${at}" x2="${width - right}" y2="${at}" stroke="${colours.orange}" stroke-dasharray="5 4"/>`,
    );
  }
  for (const line of panel.lines) {
    parts.push(
      `<polyline points="${points(line.values, line.from ?? 0).join(' ')}" fill="none" stroke="${line.colour}" stroke-width="1.2"/>`,
    );
  }
  parts.push(text(left, top - 6, panel.title));
  const labels = panel.lines.filter(line => line.label);
  labels.forEach((line, i) => {
    parts.push(text(width - right - (labels.length - 1 - i) * 120, top - 6, line.label!, 'end', line.colour));
  });
  const number = (value: number): string => String(Number(value.toPrecision(3)));
  parts.push(text(left - 6, top + 10, number(high), 'end'), text(left - 6, top + height, number(low), 'end'));
  return parts.join('\n');
}

/** One SVG document of panels that are `length` positions long. */
export function svgChart(description: string, length: number, panels: readonly Panel[]): string {
  let top = 26;
  const bodies = panels.map(panel => {
    const body = drawPanel(panel, top, length);
    top += (panel.height ?? 110) + 34;
    return body;
  });
  const height = top - 14;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="${description}">
<rect width="${width}" height="${height}" fill="#ffffff"/>
${bodies.join('\n')}
</svg>
`;
}
