//! The JSON of chat and embedding calls, read leniently: compatible endpoints leave fields out.

use serde::{Deserialize, Serialize};

use super::Endpoint;
use crate::{Error, Finish, Request, Role};

/// A streaming chat request.
#[derive(Debug, Serialize)]
pub(super) struct ChatBody {
    model: String,
    messages: Vec<Message>,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Debug, Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

impl ChatBody {
    pub(super) fn new(endpoint: &Endpoint, request: &Request) -> Self {
        let system = Message { role: "system", content: request.system.clone() };
        let turns = request.turns.iter().map(|turn| Message {
            role: match turn.role {
                Role::User => "user",
                Role::Assistant => "assistant",
            },
            content: turn.text.clone(),
        });
        Self {
            model: endpoint.model_for(request).to_owned(),
            messages: std::iter::once(system).chain(turns).collect(),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
            max_completion_tokens: request.max_tokens,
            temperature: request.temperature,
        }
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }
}

/// One event of a streamed answer.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Chunk {
    #[serde(default)]
    pub(super) model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    pub(super) usage: Option<ChunkUsage>,
    #[serde(default)]
    pub(super) error: Option<Refusal>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ChunkUsage {
    #[serde(default)]
    pub(super) prompt_tokens: u64,
    #[serde(default)]
    pub(super) completion_tokens: u64,
}

/// An error object, in a body or inside a stream.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    pub(super) message: Option<String>,
    #[serde(default)]
    pub(super) code: Option<serde_json::Value>,
}

impl Refusal {
    /// Whether the endpoint says that the context is full; there is no one code for it.
    pub(super) fn is_too_long(&self) -> bool {
        let code = self.code.as_ref().and_then(|code| code.as_str()).unwrap_or_default();
        let message = self.message.as_deref().unwrap_or_default().to_lowercase();
        code == "context_length_exceeded"
            || message.contains("context length")
            || message.contains("context window")
            || message.contains("maximum context")
    }
}

impl Chunk {
    pub(super) fn text(&mut self) -> Option<String> {
        let delta = self.choices.first_mut()?.delta.as_mut()?;
        delta.content.take().or_else(|| delta.refusal.take()).filter(|text| !text.is_empty())
    }

    pub(super) fn finish(&self) -> Option<Finish> {
        let reason = self.choices.first()?.finish_reason.as_deref()?;
        Some(match reason {
            "length" => Finish::Length,
            "content_filter" => Finish::Filtered,
            _ => Finish::Stop,
        })
    }
}

/// A request for vectors.
#[derive(Debug, Serialize)]
pub(super) struct EmbeddingBody<'a> {
    pub(super) model: &'a str,
    pub(super) input: &'a [String],
    pub(super) encoding_format: &'static str,
}

/// An answer with vectors.
#[derive(Debug, Deserialize)]
pub(super) struct Embeddings {
    data: Vec<Vector>,
}

#[derive(Debug, Deserialize)]
struct Vector {
    index: usize,
    embedding: Vec<f32>,
}

impl Embeddings {
    pub(super) fn in_order(mut self, wanted: usize) -> Result<Vec<Vec<f32>>, Error> {
        self.data.sort_by_key(|vector| vector.index);
        let complete = self.data.len() == wanted && self.data.iter().enumerate().all(|(n, v)| n == v.index);
        if !complete {
            return Err(Error::permanent("the endpoint did not return one vector for each text"));
        }
        Ok(self.data.into_iter().map(|vector| vector.embedding).collect())
    }
}
