// The tokens themselves: contrast by WCAG 2.1, and colours that stay apart for colour-blind eyes (simulated after
// Viénot, Brettel and Mollon 1999; distance in CIE L*a*b*).
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const css = readFileSync(new URL('theme.css', import.meta.url), 'utf8');
const [light, dark] = css.split(':root[data-theme="dark"]');

function tokensOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})\b/g)].map(it => [it[1]!, it[2]!]),
  );
}

const themes = { light: tokensOf(light!), dark: { ...tokensOf(light!), ...tokensOf(dark!) } };

type Rgb = [number, number, number];

/** Linear light, 0–1. */
function linear(hex: string): Rgb {
  return [1, 3, 5].map(at => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
}

function contrast(a: string, b: string): number {
  const light = (hex: string) =>
    linear(hex).reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at]!, 0);
  const [dim, bright] = [light(a), light(b)].sort((x, y) => x - y) as [number, number];
  return (bright + 0.05) / (dim + 0.05);
}

const eyes: Record<string, (rgb: Rgb) => Rgb> = {
  normal: rgb => rgb,
  protan: ([r, g, b]) => [
    0.11238 * r + 0.88762 * g,
    0.11238 * r + 0.88762 * g,
    0.00401 * r - 0.00401 * g + b,
  ],
  deutan: ([r, g, b]) => [
    0.29275 * r + 0.70725 * g,
    0.29275 * r + 0.70725 * g,
    -0.02234 * r + 0.02234 * g + b,
  ],
};

function lab([r, g, b]: Rgb): Rgb {
  const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function distance(a: string, b: string, see: (rgb: Rgb) => Rgb): number {
  const [p, q] = [lab(see(linear(a))), lab(see(linear(b)))];
  return Math.hypot(...p.map((part, at) => part - q[at]!));
}

describe.each(Object.entries(themes))('the %s theme', (_name, tokens) => {
  test.each(['text', 'text-muted', 'text-faint', 'accent', 'bad'])('%s can be read on every ground', name => {
    for (const ground of ['page', 'surface', 'raised']) {
      expect(contrast(tokens[name]!, tokens[ground]!), `on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
  });

  test('text on the accent can be read', () => {
    expect(contrast(tokens['on-accent']!, tokens['accent']!)).toBeGreaterThanOrEqual(4.5);
  });

  test.each(Object.entries(eyes))('the status classes stay apart for %s eyes', (_eye, see) => {
    const status = [2, 3, 4, 5].map(n => tokens[`status-${n}`]!);
    for (const [at, a] of status.entries()) {
      for (const b of status.slice(at + 1)) expect(distance(a, b, see)).toBeGreaterThan(20);
    }
  });

  test.each(Object.entries(eyes))('neighbouring series stay apart for %s eyes', (_eye, see) => {
    for (let n = 1; n < 8; n++) {
      expect(distance(tokens[`series-${n}`]!, tokens[`series-${n + 1}`]!, see)).toBeGreaterThan(12);
    }
  });

  test('every series can be seen on a panel', () => {
    for (let n = 1; n <= 8; n++) {
      expect(contrast(tokens[`series-${n}`]!, tokens['surface']!)).toBeGreaterThanOrEqual(2.5);
    }
  });
});
