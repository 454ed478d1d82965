import ArrowRightLeft from '@lucide/svelte/icons/arrow-right-left';
import Ban from '@lucide/svelte/icons/ban';
import Bot from '@lucide/svelte/icons/bot';
import CircleCheck from '@lucide/svelte/icons/circle-check';
import ClipboardList from '@lucide/svelte/icons/clipboard-list';
import Eye from '@lucide/svelte/icons/eye';
import Flag from '@lucide/svelte/icons/flag';
import Hand from '@lucide/svelte/icons/hand';
import LifeBuoy from '@lucide/svelte/icons/life-buoy';
import LogOut from '@lucide/svelte/icons/log-out';
import MilestoneIcon from '@lucide/svelte/icons/milestone';
import Moon from '@lucide/svelte/icons/moon';
import PlayCircle from '@lucide/svelte/icons/circle-play';
import RotateCcw from '@lucide/svelte/icons/rotate-ccw';
import Tags from '@lucide/svelte/icons/tags';
import TriangleAlert from '@lucide/svelte/icons/triangle-alert';
import UserPen from '@lucide/svelte/icons/user-pen';
import UserPlus from '@lucide/svelte/icons/user-plus';
import Users from '@lucide/svelte/icons/users-round';
import Zap from '@lucide/svelte/icons/zap';
import type { Component } from 'svelte';
import { hour, moment } from '../lib/format';
import { t, word } from '../lib/i18n.svelte';
import type { Failure, Item, Origin } from '../lib/wire';
import { nameOfActor, nameOfAgent, nameOfBot, nameOfStage, nameOfTeam } from '../store/session.svelte';

export interface Told {
  icon: Component<{ size?: number; class?: string; 'aria-hidden'?: 'true' }>;
  tone: string;
  text: string;
  /** What unfolds. */
  details: [string, string][];
}

/** What went wrong in a bot's turn, in the agent's language; the record's own words where it was told in no other way. */
export function failureOf({ failure, detail }: { failure: Failure | null; detail: string | null }): string {
  if (!failure) return detail ?? '';
  const { kind, ...values } = failure;
  return word('failure', kind, values);
}

/** A fact in one line, and what more there is to know about it. */
export function describe(item: Item, visitor: string, language: string, more: Item[] = []): Told {
  const who = nameOfActor(item.actor, visitor);
  const tell = (icon: Told['icon'], text: string, details: [string, string][] = [], tone = ''): Told => ({
    icon,
    tone,
    text,
    details,
  });
  switch (item.kind) {
    case 'started': {
      const origin: Origin = item.origin;
      const page = origin.title || origin.page;
      return tell(
        PlayCircle,
        page ? t('milestone.started_on', { page }) : t('milestone.started'),
        origin.page ? [[t('field.page'), origin.page]] : [],
      );
    }
    case 'captured':
      return tell(
        ClipboardList,
        t('milestone.captured', {
          keys: Object.keys(item.data)
            .map((key) => word('captured', key))
            .join(', '),
        }),
        Object.entries(item.data).map(([key, value]) => [word('captured', key), value]),
      );
    case 'taken_over':
      return tell(Hand, t('milestone.taken_over', { name: nameOfAgent(item.agent) }), [], 'text-agent-fg');
    case 'joined':
      return tell(UserPlus, t('milestone.joined', { name: nameOfAgent(item.agent) }));
    case 'left':
      return tell(LogOut, t('milestone.left', { name: nameOfAgent(item.agent) }));
    case 'help_requested':
      return tell(
        LifeBuoy,
        t('milestone.help', { name: nameOfAgent(item.agent) }),
        [
          ...(item.skill ? [[t('field.skill'), item.skill] as [string, string]] : []),
          ...(item.note ? [[t('field.note'), item.note] as [string, string]] : []),
        ],
        'text-danger',
      );
    case 'help_withdrawn':
      return tell(LifeBuoy, t('milestone.no_help', { name: who }));
    case 'transferred':
      return tell(
        ArrowRightLeft,
        t('milestone.transferred', {
          from: item.from ? nameOfAgent(item.from) : who,
          to:
            item.to.kind === 'agent'
              ? nameOfAgent(item.to.agent)
              : item.to.kind === 'team'
                ? nameOfTeam(item.to.team)
                : word('step_value', 'nobody'),
        }),
        item.note ? [[t('field.note'), item.note]] : [],
      );
    case 'handed_back':
      return tell(
        Bot,
        t('milestone.handed_back', { bot: nameOfBot(item.bot), name: nameOfAgent(item.agent) }),
        item.note ? [[t('field.note'), item.note]] : [],
        'text-bot-fg',
      );
    case 'status_changed':
      return tell(
        Moon,
        item.status === 'snoozed'
          ? item.until
            ? t('milestone.snoozed_until', { time: moment(language, item.until) })
            : t('milestone.snoozed')
          : t(item.status === 'pending' ? 'milestone.pending' : 'milestone.opened'),
        item.reason ? [[t('field.reason'), word('status_reason', item.reason)]] : [],
      );
    case 'priority_changed':
      return tell(Flag, t('milestone.priority', { name: who, priority: t(`priority.${item.priority}`) }));
    case 'labels_changed':
      return tell(
        Tags,
        [
          item.added.length ? t('milestone.labels_added', { labels: item.added.join(', ') }) : '',
          item.removed.length ? t('milestone.labels_removed', { labels: item.removed.join(', ') }) : '',
        ]
          .filter(Boolean)
          .join(' · '),
      );
    case 'team_changed':
      return tell(Users, item.team ? t('milestone.team', { team: nameOfTeam(item.team) }) : t('milestone.no_team'));
    case 'stage_changed':
      return tell(
        MilestoneIcon,
        item.stage
          ? t('milestone.stage', { name: who, stage: nameOfStage(item.stage) })
          : t('milestone.no_stage', { name: who }),
      );
    case 'closed':
      return tell(
        CircleCheck,
        t('milestone.closed', { name: who, outcome: t(`outcome.${item.outcome}`) }),
        [],
        'text-ok',
      );
    case 'reopened':
      return tell(RotateCcw, t('milestone.reopened', { reason: word('reopened', item.reason) }));
    case 'contact_updated':
      return tell(UserPen, t('milestone.contact'));
    case 'page_visited': {
      const pages = [item, ...more].filter((one) => one.kind === 'page_visited');
      const last = pages.at(-1)!;
      return tell(
        Eye,
        pages.length > 1
          ? t('milestone.pages', { n: pages.length, page: last.title || last.url })
          : t('milestone.page', { page: last.title || last.url }),
        pages.map((page) => [hour(language, page.at), page.title ? `${page.title} · ${page.url}` : page.url]),
      );
    }
    case 'turn_failed':
      return tell(
        TriangleAlert,
        t('milestone.turn_failed', { reason: word('handoff', item.reason) }),
        item.detail ? [[t('field.detail'), failureOf(item)]] : [],
        'text-danger',
      );
    case 'macro_ran':
      return tell(
        Zap,
        t('milestone.macro', { name: who, macro: item.macro }),
        item.steps.map((step) => [word('action_name', step.action), word('result', step.result)]),
      );
    case 'suppressed': {
      const reason: unknown = item.reason;
      return tell(
        Ban,
        t(`withheld.${item.what}`),
        item.message
          ? [[t('field.text'), item.message.text]]
          : reason
            ? [[t('field.detail'), typeof reason === 'string' ? reason : JSON.stringify(reason)]]
            : [],
        'text-danger',
      );
    }
    default:
      return tell(CircleCheck, item.kind.replaceAll('_', ' '));
  }
}
