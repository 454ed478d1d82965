import { h } from 'preact';
/** Drawn for this widget on a 24 × 24 grid; decoration only, the words beside them carry the meaning. */
const paths = {
  chat: 'M4 5.5h16v11H10l-4.5 4v-4H4z',
  close: 'M6 6l12 12M18 6L6 18',
  down: 'M5 9l7 7 7-7',
  send: 'M4 12h15M13 6l6 6-6 6',
  bot: 'M5 9h14v10H5zM12 9V5M9.5 13.5v1M14.5 13.5v1M2.5 13v3M21.5 13v3M10 4.5h4',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c1-4 4-6 7.5-6s6.5 2 7.5 6',
  clock: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  clip: 'M18.5 11l-7 7a4 4 0 0 1-6-6l8-8a3 3 0 0 1 4 4l-7.5 7.5a1.5 1.5 0 0 1-2-2L14 8',
} as const;

export type IconName = keyof typeof paths;

export const Icon = ({ name }: { name: IconName }) => (
  <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
    <path
      d={paths[name]}
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </svg>
);
