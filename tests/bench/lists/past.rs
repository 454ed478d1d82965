//! Conversations as a year of a busy shop leaves them, written by the store's own appends: a whole conversation is one
//! append, and hundreds of them share a transaction.

use crate::dice::Dice;
use anyhow::Result;
use relevo::domain::control::{Control, Epoch, Holder};
use relevo::domain::conversation::Conversation;
use relevo::domain::event::{Envelope, Event, Origin, Status};
use relevo::domain::id::{AgentId, BotId, ContactId, ConversationId, InboxId, MessageId, TeamId};
use relevo::domain::message::{Actor, Message};
use relevo::domain::time::Timestamp;
use relevo::store::{Append, Contact, Store};
use relevo_backends::postgres::{PostgresOptions, PostgresStore};
use relevo_backends::sqlite::{SqliteOptions, SqliteStore};
use relevo_tests::deployment::Storage;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};
use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

pub(super) const TEAMS: [&str; 4] = ["ventas", "soporte", "envios", "facturas"];
const MESSAGES: u64 = 20;
const AGENTS: usize = 50;
/// So many appends share a transaction.
const GROUP: usize = 256;

/// The first are in every few messages, the last in few.
pub(super) const WORDS: [&str; 48] = [
    "pedido",
    "hola",
    "gracias",
    "paquete",
    "cuenta",
    "factura",
    "dirección",
    "mañana",
    "entrega",
    "devolución",
    "tarjeta",
    "reembolso",
    "talla",
    "color",
    "tienda",
    "correo",
    "teléfono",
    "nombre",
    "precio",
    "descuento",
    "código",
    "garantía",
    "cambio",
    "repuesto",
    "almacén",
    "transporte",
    "aduana",
    "impuesto",
    "recibo",
    "cobro",
    "contraseña",
    "acceso",
    "error",
    "pantalla",
    "batería",
    "cargador",
    "cable",
    "manual",
    "técnico",
    "visita",
    "horario",
    "domingo",
    "urgente",
    "regalo",
    "envoltorio",
    "suscripción",
    "renovación",
    "cancelar",
];

/// Writes so many conversations. Agents of the deployment hold some of them.
pub(super) async fn write(storage: &Storage, data: &Path, conversations: usize) -> Result<()> {
    let opened = Opened::open(storage, data).await?;
    let store = opened.store();
    let mut agents: Vec<_> = store.agents().await?.into_iter().map(|agent| agent.id).collect();
    agents.extend((0..AGENTS).map(|n| AgentId(Uuid::from_u128(1_000_000 + n as u128))));
    let began = Instant::now();
    for first in (0..conversations).step_by(GROUP) {
        let group = first..(first + GROUP).min(conversations);
        let people = group.clone().map(|n| async move { store.create_contact(&person(n)).await });
        futures::future::try_join_all(people).await?;
        let appends = group.clone().map(|n| store.append(conversation(n, &agents)));
        futures::future::try_join_all(appends).await?;
        let rate = group.end as u64 * MESSAGES / began.elapsed().as_secs().max(1);
        eprint!("\r   lists · {} of {conversations} conversations written, {rate} messages/s ", group.end);
    }
    eprintln!();
    opened.close().await;
    if let Storage::Postgres { url, schema } = storage {
        // What autovacuum and the background writer do in their own time.
        let mut connection = PgConnectOptions::from_str(url)?.connect().await?;
        for table in ["conversations", "log", "said", "marks", "contacts"] {
            let vacuum = AssertSqlSafe(format!("VACUUM ANALYZE {schema}.{table}"));
            sqlx::query(vacuum).execute(&mut connection).await?;
        }
        sqlx::query("CHECKPOINT").execute(&mut connection).await?;
    }
    Ok(())
}

enum Opened {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl Opened {
    async fn open(storage: &Storage, data: &Path) -> Result<Self> {
        Ok(match storage {
            Storage::Sqlite => {
                let store = SqliteStore::open(&data.join("relevo.db"), SqliteOptions::default()).await?;
                Self::Sqlite(Arc::new(store))
            }
            Storage::Postgres { url, schema } => {
                let options = PostgresOptions { schema: schema.clone(), ..PostgresOptions::default() };
                Self::Postgres(Arc::new(PostgresStore::open(url, options).await?))
            }
        })
    }

    fn store(&self) -> &dyn Store {
        match self {
            Self::Sqlite(store) => store.as_ref(),
            Self::Postgres(store) => store.as_ref(),
        }
    }

    async fn close(self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}

const FIRST: [&str; 16] = [
    "Ana", "Bruno", "Carla", "Diego", "Elena", "Fabio", "Gloria", "Hugo", "Inés", "João", "Karen", "Luis", "María",
    "Nuno", "Olga", "Pedro",
];

pub(super) fn name(n: usize) -> String {
    format!("{} Apellido{}", FIRST[n % FIRST.len()], n / FIRST.len())
}

pub(super) fn email(n: usize) -> String {
    format!("cliente{n}@example.com")
}

pub(super) fn phone(n: usize) -> String {
    format!("+346{n:08}")
}

/// A word that a hundred conversations share, by its number.
pub(super) fn rare(n: usize) -> String {
    format!("{n:05}")
}

fn person(n: usize) -> Contact {
    Contact {
        id: ContactId(id(2, n, 0)),
        name: Some(name(n)),
        email: Some(email(n)),
        phone: Some(phone(n)),
        verified: false,
        external_id: None,
        attributes: BTreeMap::new(),
        created_at: at(n, 0),
    }
}

/// Ids whose order tells nothing, as the stores' real ones hardly do.
fn id(kind: u64, n: usize, part: u64) -> Uuid {
    Uuid::from_u64_pair(Dice(kind << 56 | n as u64).next(), kind << 56 | (n as u64) << 16 | part)
}

/// A conversation a minute, a message a second.
fn at(n: usize, part: u64) -> Timestamp {
    let seconds = n as u64 * 60 + part;
    Timestamp(1_700_000_000_000_000 + i64::try_from(seconds).expect("a few years") * 1_000_000)
}

fn conversation(n: usize, agents: &[AgentId]) -> Append {
    let mut dice = Dice(n as u64);
    let id = ConversationId(self::id(1, n, 0));
    let agent = *dice.pick(agents);
    let inbox = InboxId::new(*dice.pick(&["shop", "shop", "help"])).expect("a slug");
    let started = Event::Started {
        inbox,
        channel: "web".into(),
        contact: ContactId(self::id(2, n, 0)),
        language: Some("es".into()),
        origin: Origin {
            page: Some(format!("https://shop.example/articulos/{}", dice.below(500))),
            ..Origin::default()
        },
        control: Control { holder: Holder::Human { agent }, epoch: Epoch(1) },
    };
    let mut envelopes =
        vec![Envelope { conversation: id, seq: 1, at: at(n, 0), actor: Actor::Visitor, event: started }];
    for part in 1..=MESSAGES {
        let author = if part % 2 == 1 { Actor::Visitor } else { Actor::Agent { agent } };
        let message = Message {
            id: MessageId(self::id(3, n, part)),
            author: author.clone(),
            text: text(&mut dice, n, part),
            attachments: Vec::new(),
            buttons: Vec::new(),
            payload: None,
            reply_to: None,
            client_id: None,
        };
        let event = Event::MessagePosted { message, turn: None, window_ends_at: None };
        envelopes.push(Envelope { conversation: id, seq: part + 1, at: at(n, part), actor: author, event });
    }
    let mut state = Conversation::replay(&envelopes).expect("it starts");
    // Nothing of the house's is on its way.
    state.outgoing.clear();
    settle(&mut dice, &mut state, agent);
    let (conversation, expected) = (id, 0);
    Append { conversation, expected, envelopes, state, dedupe: None, jobs: Vec::new(), thread: None }
}

/// Of a hundred: 4 with people, 2 with a bot, 1 waiting, 1 asleep, 92 finished.
fn settle(dice: &mut Dice, state: &mut Conversation, agent: AgentId) {
    let team = TeamId::new(*dice.pick(&TEAMS)).expect("a slug");
    let waits = dice.below(2) == 0;
    state.team = (dice.below(4) > 0).then(|| team.clone());
    state.waiting_since = None;
    state.status = Status::Open;
    match dice.below(100) {
        0..4 => state.waiting_since = waits.then_some(state.updated_at),
        4..6 => state.control.holder = Holder::Bot { bot: BotId::new("faro").expect("a slug") },
        6 => {
            state.control.holder = Holder::Queue { team: Some(team), skill: None, since: state.updated_at };
            state.waiting_since = Some(state.updated_at);
        }
        7 => state.status = Status::Snoozed { until: None },
        _ => state.status = Status::Closed,
    }
    if dice.below(20) == 0 {
        state.labels.insert("vip".into());
    }
    if dice.below(500) == 0 {
        state.participants.insert(agent);
        state.mentions.insert(agent);
    }
}

fn text(dice: &mut Dice, n: usize, part: u64) -> String {
    let mut said: Vec<String> = (0..12)
        .map(|_| {
            // The nth word is about n times rarer than the first.
            let first = dice.below(WORDS.len()) + 1;
            WORDS[dice.below(first)].to_owned()
        })
        .collect();
    if part == 3 {
        said.push(format!("zz{}", rare(n / 100)));
    }
    said.join(" ")
}
