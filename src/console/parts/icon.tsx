// The few icons of the console: strokes in the colour of the text, hidden from screen readers (the control has the name).

const paths = {
  dashboard: 'M4 19V11M10 19V5M16 19v-6M22 19H2',
  sql: 'M5 7l4 5-4 5M12 17h7',
  streams: 'M3 7c3-3 6 3 9 0s6 3 9 0M3 12c3-3 6 3 9 0s6 3 9 0M3 17c3-3 6 3 9 0s6 3 9 0',
  clock: 'M12 7v5l3 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0',
  zoomOut: 'M8 11h6M20 20l-4-4M18 11a7 7 0 1 1-14 0 7 7 0 0 1 14 0',
  earlier: 'M14 6l-6 6 6 6',
  later: 'M10 6l6 6-6 6',
  down: 'M7 10l5 5 5-5',
  close: 'M6 6l12 12M18 6L6 18',
  exclude: 'M6 12h12',
  check: 'M5 13l4 4L19 7',
  sun: 'M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6L7 7M17 17l1.4 1.4M5.6 18.4L7 17M17 7l1.4-1.4M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5',
  system: 'M3 5h18v11H3zM9 20h6M12 16v4',
  warning: 'M12 4L2.5 20h19zM12 10v4M12 17v.5',
  help: 'M9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M12 16.5v.5M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0',
  play: 'M8 5l11 7-11 7z',
  pause: 'M8 5v14M16 5v14',
  stop: 'M6 6h12v12H6z',
  download: 'M12 4v11M7 11l5 5 5-5M4 20h16',
  link: 'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.7-5.7l-1.4 1.4M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 5.7 5.7l1.4-1.4',
  history: 'M4 12a8 8 0 1 0 2.5-5.8L4 8.5M4 4v4.5h4.5M12 8v4l3 2',
  list: 'M8 6h13M8 12h13M8 18h13M3.5 6h.5M3.5 12h.5M3.5 18h.5',
  language: 'M3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0',
  filter: 'M4 5h16l-6 8v6l-4-2v-4z',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
