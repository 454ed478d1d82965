import { word } from '../lib/i18n.svelte';
import type { Artifact } from '../lib/wire';

/** Why no model wrote it, or nobody did, in the reader's language; empty where nothing went wrong. */
export function causeOf({ failure, error }: Pick<Artifact, 'failure' | 'error'>): string {
  if (!failure) return error ?? '';
  const { kind, ...values } = failure;
  return word('make_failure', kind, values);
}
