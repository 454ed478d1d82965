//! Builders and a small desk in memory for tests: given a start, run commands, look at facts and state.

use crate::command::{AgentFacts, Command, Facts, Inbound, InboxPolicy, Outbound, Rejection, Role, Start};
use crate::control::Turn;
use crate::conversation::Conversation;
use crate::decide::{Decided, decide, start};
use crate::event::{Envelope, Event, Origin};
use crate::id::{AgentId, BotId, ContactId, ConversationId, InboxId, MessageId, TurnId};
use crate::time::Timestamp;
use crate::window::WindowPolicy;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// An agent with a small number for a name.
pub fn agent(n: u128) -> AgentFacts {
    AgentFacts { id: AgentId(Uuid::from_u128(n)), role: Role::Agent, teams: Vec::new() }
}

/// A supervisor with a small number for a name.
pub fn supervisor(n: u128) -> AgentFacts {
    AgentFacts { role: Role::Supervisor, ..agent(n) }
}

/// The bot of [`bot_inbox`].
pub fn bot() -> BotId {
    BotId::new("demo").expect("a slug")
}

/// An inbox that a bot answers first, without a window.
pub fn bot_inbox() -> InboxPolicy {
    InboxPolicy { bot: Some(bot()), window: WindowPolicy::Unlimited }
}

/// What a deployment whose only bot is [`bot`] knows.
pub fn facts(now: Timestamp, policy: InboxPolicy) -> Facts {
    Facts { now, policy, bots: Arc::new(BTreeSet::from([bot()])) }
}

/// A message id with a small number for a name.
pub fn message_id(n: u128) -> MessageId {
    MessageId(Uuid::from_u128(n))
}

/// What a visitor writes; the text names the message.
pub fn say(text: &str) -> Command {
    Command::Receive(Inbound {
        id: MessageId(Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes())),
        text: text.to_owned(),
        attachments: Vec::new(),
        payload: None,
        client_id: None,
        asks_for_human: None,
    })
}

/// What a bot or agent writes.
pub fn words(n: u128, text: &str) -> Outbound {
    let id = message_id(n);
    Outbound {
        id,
        text: text.to_owned(),
        attachments: Vec::new(),
        buttons: Vec::new(),
        reply_to: None,
        client_id: None,
    }
}

/// One conversation, decided and folded in memory. Each command happens a second after the one before.
#[derive(Debug, Clone)]
pub struct Desk {
    policy: InboxPolicy,
    now: Timestamp,
    state: Conversation,
    log: Vec<Envelope>,
}

impl Desk {
    /// A conversation that has just begun.
    pub fn start(policy: InboxPolicy) -> Self {
        let now = Timestamp(0);
        let facts = facts(now, policy.clone());
        let opening = start(
            Start {
                inbox: InboxId::new("shop").expect("a slug"),
                channel: "web".into(),
                contact: ContactId(Uuid::from_u128(1)),
                language: Some("es".into()),
                origin: Origin::default(),
            },
            &facts,
        );
        let id = ConversationId(Uuid::from_u128(1));
        let log = number(id, 0, now, opening);
        let state = Conversation::replay(&log).expect("the first fact starts a conversation");
        Self { policy, now, state, log }
    }

    /// The present state.
    pub fn state(&self) -> &Conversation {
        &self.state
    }

    /// Everything so far.
    pub fn log(&self) -> &[Envelope] {
        &self.log
    }

    /// The right to speak that a bot would be given now.
    pub fn turn(&self, n: u128) -> Turn {
        Turn { id: TurnId(Uuid::from_u128(n)), bot: bot(), epoch: self.state.control.epoch }
    }

    /// Lets time pass.
    pub fn wait(&mut self, by: std::time::Duration) {
        self.now = self.now.after(by);
    }

    /// Decides a command, folds its facts, and returns them.
    #[expect(clippy::needless_pass_by_value, reason = "tests write their commands in place")]
    pub fn run(&mut self, command: Command) -> Result<Vec<Event>, Rejection> {
        self.now = self.now.after(std::time::Duration::from_secs(1));
        let facts = facts(self.now, self.policy.clone());
        let decided = decide(&self.state, &command, &facts)?;
        let envelopes = number(self.state.id, self.state.seq, self.now, decided);
        for envelope in &envelopes {
            self.state.evolve(envelope);
        }
        self.log.extend(envelopes.iter().cloned());
        Ok(envelopes.into_iter().map(|envelope| envelope.event).collect())
    }
}

fn number(id: ConversationId, after: u64, at: Timestamp, decided: Vec<Decided>) -> Vec<Envelope> {
    let numbered = decided.into_iter().zip(after + 1..);
    numbered.map(|((actor, event), seq)| Envelope { conversation: id, seq, at, actor, event }).collect()
}
