export type Format = 'markdown' | 'html' | 'csv' | 'jsonl';

const ENDINGS: Record<string, Format> = {
  md: 'markdown',
  markdown: 'markdown',
  txt: 'markdown',
  html: 'html',
  htm: 'html',
  csv: 'csv',
  jsonl: 'jsonl',
};

/** What a file is written in, by its ending. */
export const formatOf = (name: string): Format | undefined =>
  ENDINGS[/\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? ''];
