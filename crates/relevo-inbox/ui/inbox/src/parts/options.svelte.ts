/**
 * Offers above a text that keeps the focus: which one is chosen, and the keys that choose and take it. The text names
 * the list (`aria-controls`) and the chosen one (`aria-activedescendant`), so that it is heard while typing goes on.
 */
export class Options<T> {
  #chosen = $state(0);

  constructor(
    /** Of the list; `optionId` makes the options' own from it. */
    readonly id: string,
    private readonly offers: () => readonly T[],
    private readonly take: (offer: T) => void,
    private readonly close: () => void,
  ) {}

  get at() {
    return Math.min(this.#chosen, Math.max(0, this.offers().length - 1));
  }

  get current(): T | undefined {
    return this.offers()[this.at];
  }

  get count() {
    return this.offers().length;
  }

  /** The chosen option's id; nothing where there is none to choose. */
  get active() {
    return this.current === undefined ? undefined : this.optionId(this.at);
  }

  optionId = (n: number) => `${this.id}-${n}`;

  choose(n: number) {
    this.#chosen = n;
  }

  /** True when the key was for the list. */
  key(event: KeyboardEvent): boolean {
    const { at, count, current } = this;
    if (event.key === 'Escape') this.close();
    else if (current === undefined) return false;
    else if (event.key === 'ArrowDown') this.choose((at + 1) % count);
    else if (event.key === 'ArrowUp') this.choose((at - 1 + count) % count);
    else if ((event.key === 'Enter' || event.key === 'Tab') && !event.shiftKey) this.take(current);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
}

/** Keeps the chosen option in sight. */
export const inSight = (id: string | undefined) =>
  void (id && document.getElementById(id)?.scrollIntoView({ block: 'nearest' }));
