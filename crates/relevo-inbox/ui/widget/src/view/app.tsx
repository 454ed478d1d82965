import { h } from 'preact';
import { unread } from '../fold';
import { use } from './use';
import { Icon } from './icons';
import { Panel } from './panel';

/** The launcher and, while it is open, the panel. */
export function App() {
  const { chat, t } = use();
  const n = unread(chat.state);
  return (
    <div class="root" lang={chat.language} data-open={chat.open}>
      {chat.open && <Panel />}
      <button
        type="button"
        class="launcher"
        data-testid="launcher"
        aria-expanded={chat.open}
        aria-haspopup="dialog"
        aria-label={chat.open ? t('launcher.close') : t('launcher.open', { n })}
        onClick={() => (chat.open ? chat.hide() : chat.show())}
      >
        <Icon name={chat.open ? 'down' : 'chat'} />
        {!chat.open && n > 0 && (
          <span class="badge" aria-hidden="true">
            {n > 99 ? '99+' : n}
          </span>
        )}
      </button>
    </div>
  );
}
