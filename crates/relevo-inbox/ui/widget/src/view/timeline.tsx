import { Component, h } from 'preact';
import { rows, type Row } from '../rows';
import { use } from './use';
import { Icon } from './icons';
import { Markdown } from './markdown';
import { Message } from './message';

/** How far from the end still counts as reading the end. */
const NEAR = 60;

export class Timeline extends Component<object, { below: number }> {
  override state = { below: 0 };
  #box: HTMLDivElement | null = null;
  #atEnd = true;
  #count = 0;
  #own = false;
  // The keyboard of a phone shortens the panel.
  #resized = new ResizeObserver(() => this.#atEnd && this.#toEnd());

  override componentDidMount() {
    if (this.#box) this.#resized.observe(this.#box);
    this.componentDidUpdate();
  }

  /** What arrives moves the page only for somebody who reads its end, and for what they wrote themselves. */
  override componentDidUpdate() {
    const count = Number(this.#box?.dataset.count);
    const more = count - this.#count;
    this.#count = count;
    if (this.#atEnd || (more && this.#own)) this.#toEnd();
    else if (more > 0) this.setState(({ below }) => ({ below: below + more }));
  }

  override componentWillUnmount() {
    this.#resized.disconnect();
  }

  #toEnd = () => this.#box?.scrollTo(0, this.#box.scrollHeight);

  #scrolled = () => {
    const { scrollHeight = 0, scrollTop = 0, clientHeight = 0 } = this.#box ?? {};
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#atEnd && this.state.below) this.setState({ below: 0 });
  };

  override render() {
    const { chat, t } = use();
    const { partial, typing, name, loaded } = chat.state;
    const bot = chat.session?.inbox.bot?.name ?? null;
    const lines = rows(chat.state, bot);
    const last = lines.at(-1);
    this.#own = last?.kind === 'message' && last.side === 'own';
    const typist = name ?? (typing === 'bot' ? (bot ?? t('who.bot')) : t('who.someone'));
    return (
      <div class="middle">
        <div
          ref={(el) => void (this.#box = el)}
          class="scroll"
          tabIndex={0}
          data-count={lines.length}
          onScroll={this.#scrolled}
        >
          <div role="log" aria-label={t('timeline.label')} aria-busy={!loaded}>
            {!lines.length && <Empty />}
            {lines.map((row) => (
              <Line key={row.key} row={row} />
            ))}
          </div>
          {partial && (
            // Outside the log and silent: a screen reader hears the whole message once, when it is there.
            <div class="row" data-who="bot" data-first="true" aria-hidden="true">
              <div class="bubble partial">
                <Markdown text={partial.text} />
              </div>
            </div>
          )}
          <div class="typing" role="status">
            {typing && !partial && [<Dots />, t('typing', { name: typist })]}
          </div>
        </div>
        {this.state.below > 0 && (
          <button type="button" class="below" onClick={this.#toEnd}>
            <Icon name="down" /> {t('below', { n: this.state.below })}
          </button>
        )}
      </div>
    );
  }
}

const Dots = () => (
  <span class="dots" aria-hidden="true">
    <i />
    <i />
    <i />
  </span>
);

function Empty() {
  const { chat, t } = use();
  if (!chat.session || !chat.state.loaded)
    return <p class="loading">{chat.state.line !== 'refused' && t('loading')}</p>;
  const bot = chat.session.inbox.bot;
  return (
    <div class="empty">
      <strong>{t('empty.title')}</strong>
      <p>{bot ? t('empty.bot', { bot: bot.name }) : t('empty.team')}</p>
    </div>
  );
}

function Line({ row }: { row: Row }) {
  const { chat, t } = use();
  if (row.kind === 'message') return <Message row={row} />;
  if (row.kind === 'day') return <div class="day">{dayName(row.at, chat.language)}</div>;
  const name = row.name ?? t(row.who === 'bot' ? 'who.bot' : 'who.someone');
  return (
    <div class="milestone" data-who={row.who} data-testid={`item-${row.seq}`}>
      <span>{t(`milestone.${row.who}`, { name })}</span>
    </div>
  );
}

function dayName(at: number, language: string): string {
  const midnight = (time: number) => new Date(time).setHours(0, 0, 0, 0);
  const ago = Math.round((midnight(Date.now()) - midnight(at)) / 86_400_000);
  if (ago < 2) return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(-ago, 'day');
  return new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long' }).format(at);
}
