// The shape of a series as one SVG path in a 100 × 30 box. Pure.

/** Path of the line, and of the area under it; gaps split it. Empty where there are fewer than two points. */
export function sparkline(values: (number | null)[]): { line: string; area: string } {
  const known = values.filter((value): value is number => value !== null);
  if (known.length < 2) return { line: '', area: '' };
  const top = Math.max(...known, 0);
  const bottom = Math.min(...known, 0);
  const height = top - bottom || 1;
  const x = (index: number) => round((index / Math.max(1, values.length - 1)) * 100);
  const y = (value: number) => round(29 - ((value - bottom) / height) * 28);
  let line = '';
  let area = '';
  let startX: number | undefined;
  let lastX = 0;
  const closeArea = () => {
    if (startX !== undefined) area += `L${lastX} 30L${startX} 30Z`;
    startX = undefined;
  };
  values.forEach((value, index) => {
    if (value === null) {
      closeArea();
      return;
    }
    const step = `${startX === undefined ? 'M' : 'L'}${x(index)} ${y(value)}`;
    line += step;
    area += step;
    startX ??= x(index);
    lastX = x(index);
  });
  closeArea();
  return { line, area };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
