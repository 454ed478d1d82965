/** An article as it is drawn: its headings apart, and what was cited of it marked. */
export interface Piece {
  heading: boolean;
  text: string;
  cited: boolean;
}

/** `span` counts bytes, as the server does. */
export function pieces(text: string, span: [number, number] | null): Piece[] {
  const bytes = new TextEncoder().encode(text);
  const decode = (from: number, to: number) => new TextDecoder().decode(bytes.slice(from, to));
  const [from, to] = span ?? [0, 0];
  const parts: [string, boolean][] = [
    [decode(0, from), false],
    [decode(from, to), true],
    [decode(to, bytes.length), false],
  ];
  return parts.flatMap(([part, cited]) => blocks(part).map((piece) => ({ ...piece, cited })));
}

function blocks(text: string): Omit<Piece, 'cited'>[] {
  const made: Omit<Piece, 'cited'>[] = [];
  for (const line of text.split('\n')) {
    const heading = /^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$/.exec(line);
    const last = made.at(-1);
    if (heading) made.push({ heading: true, text: heading[1]! });
    else if (last && !last.heading) last.text += `\n${line}`;
    else made.push({ heading: false, text: line });
  }
  return made.filter((piece) => piece.text.trim());
}
