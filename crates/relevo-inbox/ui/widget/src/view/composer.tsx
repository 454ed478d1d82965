import { Component, h } from 'preact';
import { Icon } from './icons';
import { use } from './use';

/** "Typing" is taken back after this long without a key. */
const STILL = 4000;

export class Composer extends Component {
  #field: HTMLTextAreaElement | null = null;
  #timer = 0;

  override componentDidMount() {
    this.componentDidUpdate();
  }

  override componentDidUpdate() {
    if (!this.#field) return;
    // Grows with its text up to the limit that the style sheet sets.
    this.#field.style.height = 'auto';
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }

  override componentWillUnmount() {
    this.#typing(false);
  }

  /** Said once when it starts and once when it ends, not on every key. */
  #typing(on: boolean) {
    if (on !== this.#timer > 0) use().chat.typing(on);
    clearTimeout(this.#timer);
    this.#timer = on ? window.setTimeout(() => this.#typing(false), STILL) : 0;
  }

  #write(text: string) {
    use().chat.write(text);
    this.#typing(text.trim() !== '');
  }

  override render() {
    const { chat, t } = use();
    const text = chat.written;
    const left = (chat.session?.limits.text ?? Infinity) - [...text].length;
    const { files } = chat;
    const ready =
      (text.trim() || files[0]) && files.every((file) => file.there) && left >= 0 && chat.state.line !== 'refused';
    const send = (event: Event) => {
      event.preventDefault();
      if (!ready) return;
      chat.submit();
      this.#typing(false);
      this.#field?.focus();
    };
    return (
      <form class="composer" onSubmit={send}>
        {chat.state.who === 'queue' && !chat.fresh && <p class="hint">{t('queue.note')}</p>}
        {files.map((file) => (
          <p class="hint" data-over={!!file.problem}>
            {file.name} {file.problem ?? (!file.there && <progress value={file.share} />)}
            <button type="button" class="link" onClick={() => chat.detach(file)}>
              {t('refused.discard')}
            </button>
          </p>
        ))}
        <div class="field">
          <label class="icon">
            <Icon name="clip" />
            <input
              type="file"
              multiple
              class="only-heard"
              data-testid="attach"
              aria-label={t('composer.attach')}
              onChange={({ currentTarget: input }) => {
                chat.attach(input.files!);
                input.value = '';
              }}
            />
          </label>
          <textarea
            ref={(el) => void (this.#field = el)}
            data-testid="composer"
            rows={1}
            value={text}
            placeholder={t('composer.placeholder')}
            aria-label={t('composer.label')}
            aria-invalid={left < 0}
            onInput={(event) => this.#write(event.currentTarget.value)}
            onPaste={({ clipboardData: pasted }) => pasted && chat.attach(pasted.files)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event);
            }}
          />
          <button type="submit" class="send" data-testid="send" disabled={!ready} aria-label={t('composer.send')}>
            <Icon name="send" />
          </button>
        </div>
        <div role="status">
          {left < 200 && (
            <p class="hint" data-over={left < 0}>
              {t(left < 0 ? 'composer.over' : 'composer.left', { n: Math.abs(left) })}
            </p>
          )}
        </div>
      </form>
    );
  }
}
