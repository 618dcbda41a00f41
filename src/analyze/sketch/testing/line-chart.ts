// Test support: a small line chart as SVG, for the pictures of docs/sketches.md. Not part of the library.

export interface Series {
  name: string;
  /** A CSS colour. */
  color: string;
  points: readonly (readonly [x: number, y: number])[];
  /** A dashed line across at this y: what theory says of the series. */
  level?: number;
}

export interface Chart {
  title: string;
  xLabel: string;
  yLabel: string;
  /** Positions on the x axis and what is written there, ascending. */
  xTicks: readonly (readonly [x: number, label: string])[];
  yTicks: readonly (readonly [y: number, label: string])[];
  series: readonly Series[];
  /** How an x is placed before it is scaled: `Math.log10`, say. */
  xScale?: (x: number) => number;
}

const width = 720;
const height = 360;
const frame = { left: 70, right: 190, top: 40, bottom: 50 };

/** The chart as one SVG element of its own colours, readable on light and dark ground. */
export function lineChart({ title, xLabel, yLabel, xTicks, yTicks, series, xScale = x => x }: Chart): string {
  const xs = xTicks.map(([x]) => xScale(x));
  const ys = yTicks.map(([y]) => y);
  const right = width - frame.right;
  const bottom = height - frame.bottom;
  const across = (x: number): number =>
    frame.left + ((xScale(x) - xs[0]!) / (xs.at(-1)! - xs[0]!)) * (right - frame.left);
  const up = (y: number): number => bottom - ((y - ys[0]!) / (ys.at(-1)! - ys[0]!)) * (bottom - frame.top);
  const text = (x: number, y: number, content: string, anchor = 'middle', weight = 400): string =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-weight="${weight}">${content}</text>`;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="#222">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(frame.left, 22, title, 'start', 600),
    text((frame.left + right) / 2, height - 10, xLabel),
    `<g transform="rotate(-90 16 ${(frame.top + bottom) / 2})">${text(16, (frame.top + bottom) / 2, yLabel)}</g>`,
  ];
  for (const [x, label] of xTicks) parts.push(text(across(x), bottom + 20, label));
  for (const [y, label] of yTicks) {
    parts.push(
      `<path d="M${frame.left} ${up(y).toFixed(1)}H${right}" stroke="#ddd"/>`,
      text(frame.left - 8, up(y) + 4, label, 'end'),
    );
  }
  series.forEach(({ name, color, points, level }, i) => {
    const path = points.map(([x, y]) => `${across(x).toFixed(1)} ${up(y).toFixed(1)}`).join('L');
    if (level !== undefined) {
      parts.push(
        `<path d="M${frame.left} ${up(level).toFixed(1)}H${right}" stroke="${color}" stroke-dasharray="2 4"/>`,
      );
    }
    const labelY = frame.top + 12 + i * 22;
    parts.push(
      `<path d="M${path}" fill="none" stroke="${color}" stroke-width="2"/>`,
      `<path d="M${right + 12} ${labelY - 4}h22" stroke="${color}" stroke-width="3"/>`,
      text(right + 40, labelY, name, 'start'),
    );
  });
  return `${parts.join('\n')}\n</svg>\n`;
}
