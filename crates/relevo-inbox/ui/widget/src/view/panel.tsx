import { h } from 'preact';
import { Composer } from './composer';
import { use } from './use';
import { Header } from './header';
import { Timeline } from './timeline';

/** The conversation: who answers, what was said, and where to write. Beside the page, never in front of all of it. */
export function Panel() {
  const { chat, t } = use();
  const { who, conversation } = chat.state;
  return (
    <div
      class="panel"
      data-testid="panel"
      role="dialog"
      aria-label={chat.session ? t('panel.label', { inbox: chat.session.inbox.name }) : t('panel.fallback')}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || event.isComposing) return;
        event.stopPropagation();
        chat.hide();
      }}
    >
      <Header />
      <LineBar />
      <Timeline />
      {who === 'bot' && chat.session?.inbox.bot && (
        <div class="ask">
          <button
            type="button"
            data-testid="human"
            disabled={chat.asking || (chat.state.line === 'refused' && !conversation)}
            onClick={() => chat.askForPerson()}
          >
            {t(chat.asking ? 'human.asking' : 'human.ask')}
          </button>
        </div>
      )}
      <Composer />
    </div>
  );
}

/** A broken line is news only once it stays broken; what was written meanwhile is named as kept. */
function LineBar() {
  const { chat, t } = use();
  const { line, pending } = chat.state;
  if (line === 'refused')
    return (
      <p class="line" role="alert">
        {t('line.refused')}
      </p>
    );
  const n = pending.filter((entry) => entry.body.op === 'say' && !entry.refused).length;
  return (
    <div role="status">
      {chat.down && (
        <p class="line">
          {t(line === 'offline' ? 'line.offline' : 'line.down', { n })}{' '}
          <button type="button" class="link" onClick={() => chat.reconnect()}>
            {t('line.retry')}
          </button>
        </p>
      )}
    </div>
  );
}
