//! What an agent's page sends.

use super::super::{Closed, refused};
use super::Session;
use crate::extract::seen;
use relevo::bus::{Signal, Typist};
use relevo::domain::id::{ConversationId, Seq};
use relevo::store::{Position, Presence};
use serde::Deserialize;
use serde_json::json;

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Frame {
    Hello { position: Option<Position> },
    Open { conversation: ConversationId, after: Seq },
    Shut { conversation: ConversationId },
    Typing { conversation: ConversationId, mode: Mode, on: bool },
    Presence { state: Presence },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    Reply,
    Note,
}

impl Session {
    pub(super) async fn frame(&mut self, frame: Frame) -> Result<(), Closed> {
        match frame {
            Frame::Hello { position } => self.hello(position).await,
            Frame::Open { conversation, after } => self.open_conversation(conversation, after).await,
            Frame::Shut { conversation } => {
                if self.open.shut(conversation) {
                    self.app.presence.views(conversation, self.agent.id, false);
                }
                Ok(())
            }
            Frame::Typing { conversation, mode, on } => {
                if self.open.holds(conversation) {
                    let who = Typist::Agent { agent: self.agent.id, private: mode == Mode::Note };
                    self.app.desk.bus().publish(Signal::Typing { conversation, who, on });
                }
                Ok(())
            }
            Frame::Presence { state } => {
                if let Err(error) = self.app.desk.store().set_presence(self.agent.id, state).await {
                    return self.broken(&error);
                }
                // Colleagues look agents up: a failed refresh only shows them the state before.
                let _ = self.app.agents.refresh().await;
                self.app.desk.bus().publish(Signal::Presence { agent: self.agent.id, state });
                Ok(())
            }
        }
    }

    async fn open_conversation(&mut self, conversation: ConversationId, after: Seq) -> Result<(), Closed> {
        let state = match seen(&self.app, &self.agent, conversation).await {
            Ok(state) => state,
            Err(problem) => return self.outgoing.send(&refused(problem.code(), problem.detail())),
        };
        if self.open.open(conversation, after, state.control.epoch) {
            self.app.presence.views(conversation, self.agent.id, true);
        }
        let agents = self.app.presence.viewers(conversation);
        self.outgoing.send(&json!({"op": "viewing", "conversation": conversation, "agents": agents}))?;
        self.outgoing.room().await?;
        let store = self.app.desk.store();
        self.open.catch_up(conversation, store.as_ref(), &self.outgoing).await?;
        self.read_what_is_written(conversation).await;
        Ok(())
    }
}
