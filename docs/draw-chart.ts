// A small chart for the pictures of the documents: lines, bands and dots over two linear axes, as SVG. The same data draw the
// same bytes.

/** In the units of the axes. */
export type Point = [x: number, y: number];

/** A line, named at its right end; without a name it is part of another. */
export interface Series {
  name: string;
  color: string;
  points: Point[];
  dashed?: boolean;
}

export interface Chart {
  title: string;
  description: string;
  x: { label: string; ticks: number[]; format?: (value: number) => string };
  y: { label: string; ticks: number[]; format?: (value: number) => string };
  series: Series[];
  bands?: { color: string; name: string; low: Point[]; high: Point[] }[];
  /** Single points, `size` pixels in radius, 1.6 unless given. */
  dots?: { color: string; points: Point[]; size?: number }[];
}

// Told apart also by those who do not see red and green alike (Okabe & Ito), on light and dark ground.
export const blue = '#0072b2';
export const orange = '#d55e00';
export const green = '#009e73';
export const purple = '#b0619a';
export const grey = '#777';

const frame = { width: 680, height: 340, left: 60, right: 170, top: 16, bottom: 46 };
export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** The picture as SVG. What lies above or below the ticks of y is cut at the edge. */
export function draw({ title, description, x, y, series, bands = [], dots = [] }: Chart): string {
  const { width, height, left, right, top, bottom } = frame;
  const [x0, x1] = [x.ticks[0]!, x.ticks.at(-1)!];
  const [y0, y1] = [y.ticks[0]!, y.ticks.at(-1)!];
  const px = (value: number): number => left + ((value - x0) / (x1 - x0)) * (width - left - right);
  const py = (value: number): number => {
    const inside = Math.max(y0, Math.min(y1, value));
    return height - bottom - ((inside - y0) / (y1 - y0)) * (height - top - bottom);
  };
  const at = ([a, b]: Point): string => `${px(a).toFixed(1)},${py(b).toFixed(1)}`;
  const text = (a: number, b: number, anchor: string, content: string, fill = '#777'): string =>
    `<text x="${a.toFixed(1)}" y="${b.toFixed(1)}" text-anchor="${anchor}" fill="${fill}">${content}</text>`;
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<desc>${description}</desc>`,
  ];
  for (const tick of y.ticks) {
    out.push(
      `<path d="M${left} ${py(tick).toFixed(1)}H${width - right}" stroke="#888" stroke-opacity=".25"/>`,
    );
    out.push(text(left - 8, py(tick) + 4, 'end', (y.format ?? String)(tick)));
  }
  for (const tick of x.ticks)
    out.push(text(px(tick), height - bottom + 18, 'middle', (x.format ?? String)(tick)));
  out.push(text((left + width - right) / 2, height - 8, 'middle', x.label));
  out.push(
    `<text transform="translate(14 ${(top + height - bottom) / 2}) rotate(-90)" text-anchor="middle" fill="#777">${y.label}</text>`,
  );
  for (const { color, low, high } of bands) {
    const outline = [...low, ...high.toReversed()].map(at).join(' ');
    out.push(`<polygon points="${outline}" fill="${color}" fill-opacity=".2"/>`);
  }
  for (const { color, points, size = 1.6 } of dots) {
    const shapes = points.map(point => {
      const [cx, cy] = at(point).split(',');
      return `<circle cx="${cx}" cy="${cy}" r="${size}"/>`;
    });
    out.push(`<g fill="${color}" fill-opacity="${size > 3 ? 1 : 0.5}">${shapes.join('')}</g>`);
  }
  for (const { color, points, dashed } of series) {
    const dash = dashed ? ' stroke-dasharray="5 4"' : '';
    out.push(
      `<polyline points="${points.map(at).join(' ')}" fill="none" stroke="${color}" stroke-width="2"${dash}/>`,
    );
  }
  const ends = [
    ...series.map(({ name, color, points }) => ({ name, color, y: py(points.at(-1)![1]) + 4 })),
    ...bands.map(({ name, color, low, high }) => ({
      name,
      color,
      y: (py(low.at(-1)![1]) + py(high.at(-1)![1])) / 2 + 4,
    })),
  ].filter(({ name }) => name !== '');
  ends.sort((a, b) => a.y - b.y);
  let below = 0;
  for (const end of ends) {
    below = Math.max(end.y, below + 15);
    out.push(text(width - right + 8, below, 'start', end.name, end.color));
  }
  return `${out.join('\n')}\n</svg>\n`;
}
