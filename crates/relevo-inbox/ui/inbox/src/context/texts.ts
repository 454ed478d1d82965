/** The headings of a summary in the reader's language. */
export interface Texts {
  issue: string;
  collected: string;
  tried: string;
  next: string;
}
