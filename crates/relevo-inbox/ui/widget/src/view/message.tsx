import { Component, h } from 'preact';
import type { Row } from '../rows';
import type { Attachment } from '../wire';
import { use } from './use';
import { initial } from './header';
import { Icon } from './icons';
import { Markdown } from './markdown';

type MessageRow = Extract<Row, { kind: 'message' }>;
type FileProps = { file: Attachment; row: MessageRow; n: number };

export function Message({ row }: { row: MessageRow }) {
  const { t } = use();
  const { side } = row;
  const name = row.name ?? t(side === 'bot' ? 'who.bot' : 'who.someone');
  const label = side === 'own' ? t('said.own') : t(`said.${side}`, { name });
  return (
    <div
      class={`row ${side}`}
      data-who={side}
      data-first={row.first}
      data-testid={row.seq === null ? undefined : `item-${row.seq}`}
    >
      {side !== 'own' && row.first && (
        <div class="author" aria-hidden="true">
          <span class="face small">{side === 'bot' ? <Icon name="bot" /> : initial(name)}</span>
          {name}
        </div>
      )}
      <div class="bubble" data-mood={row.mood ?? undefined}>
        <span class="only-heard">{label} </span>
        <Markdown text={row.text || (row.files.length ? '' : t('removed'))} />
        {row.files.map((file, n) => (
          <File file={file} row={row} n={n} />
        ))}
      </div>
      <Buttons row={row} />
      <Foot row={row} />
    </div>
  );
}

/** A picture in place; any other file as a link that saves it. Nobody but this visitor may fetch them. */
class File extends Component<FileProps, { href?: string }> {
  override componentDidMount() {
    this.componentDidUpdate();
  }

  override componentDidUpdate() {
    const { file, row } = this.props;
    if (row.seq && file.inline && file.type.startsWith('image/') && this.state.href === undefined) {
      this.setState({ href: '' });
      void this.#fetch();
    }
  }

  #fetch = async () => {
    const { row, n } = this.props;
    this.setState({ href: await use().chat.file(row.seq!, n) });
  };

  #save = async (link: HTMLElement) => {
    if (!this.props.row.seq) return;
    await this.#fetch();
    (link.nextSibling as HTMLElement).click();
  };

  override render() {
    const { file } = this.props;
    const { href } = this.state;
    if (href && file.inline)
      return (
        <a href={href} target="_blank">
          <img src={href} alt={file.name} />
        </a>
      );
    return (
      <p>
        <button type="button" class="link" onClick={({ currentTarget }) => this.#save(currentTarget)}>
          {file.name}
        </button>
        <a href={href} download={file.name} />
      </p>
    );
  }
}

/** Quick replies: pressed once, by anybody's next word they are history. */
function Buttons({ row }: { row: MessageRow }) {
  const { chat, t } = use();
  if (!row.buttons.length) return null;
  return (
    <div class="buttons" role="group" aria-label={t('buttons.label')}>
      {row.buttons.map((button) => (
        <button
          type="button"
          disabled={row.chosen !== null}
          aria-pressed={row.chosen === button.title}
          onClick={() => chat.say(button.title, button.payload)}
        >
          {button.title}
        </button>
      ))}
    </div>
  );
}

function Foot({ row }: { row: MessageRow }) {
  const { chat, t } = use();
  if (row.mood === 'refused' && row.entry) {
    const { client_id, refused } = row.entry;
    const code = `refused.${refused!.code}` as 'refused.too_long';
    const known = t(code);
    const reason = known === code ? refused!.detail : known;
    return (
      <div class="foot refused" role="alert">
        {t('refused', { reason })}
        <div>
          <button type="button" class="link" onClick={() => chat.retry(client_id)}>
            {t('refused.retry')}
          </button>
          <button type="button" class="link" onClick={() => chat.discard(client_id)}>
            {t('refused.discard')}
          </button>
        </div>
      </div>
    );
  }
  if ((!row.end && !row.mood) || row.mood === 'refused') return null;
  const time = new Intl.DateTimeFormat(chat.language, { hour: '2-digit', minute: '2-digit' }).format(row.at);
  return (
    <div class="foot">
      <time dateTime={new Date(row.at).toISOString()}>{time}</time>
      {row.mood && ` · ${t(`mood.${row.mood}`)}`}
    </div>
  );
}
