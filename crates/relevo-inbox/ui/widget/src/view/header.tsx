import { h } from 'preact';
import { use } from './use';
import { Icon } from './icons';

/** Says at all times who answers. */
export function Header() {
  const { chat, t } = use();
  const { who, name, position } = chat.state;
  const bot = chat.session?.inbox.bot ?? null;
  const inbox = chat.session?.inbox.name ?? '';
  // Before anything was said, an inbox without a bot has nobody to name yet.
  const side = chat.fresh && chat.session && !bot ? 'team' : who;
  const [title, line] = {
    bot: [name ?? bot?.name ?? inbox, t('who.bot')],
    team: [inbox, t('who.human')],
    human: [name ?? t('who.someone'), t('who.human')],
    queue: [t('who.queue'), position === null ? t('who.waiting') : t('who.position', { n: position })],
    closed: [t('who.closed'), t('who.reopen')],
  }[side];
  return (
    <div class="header" data-who={side}>
      <span class="face" aria-hidden="true">
        {side === 'human' && name ? initial(name) : <Icon name={icons[side]} />}
      </span>
      <div class="who" data-testid="who" data-who={side} role="status">
        <strong>{title || t('panel.fallback')}</strong> <span>{line}</span>
      </div>
      <button type="button" class="icon" aria-label={t('launcher.close')} onClick={() => chat.hide()}>
        <Icon name="close" />
      </button>
    </div>
  );
}

const icons = { bot: 'bot', human: 'person', team: 'person', queue: 'clock', closed: 'check' } as const;

export const initial = (name: string): string => ([...name.trim()][0] ?? '').toUpperCase();
