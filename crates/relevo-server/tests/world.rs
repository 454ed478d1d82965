//! A server and the people around it.

use futures::{SinkExt, StreamExt};
use relevo::bot::{LiveTurn, bot_fn};
use relevo::bus::{Signal, Typist};
use relevo::domain::command::{Command, Outbound, Role};
use relevo::domain::id::{BotId, InboxId, MessageId, TeamId};
use relevo::domain::window::WindowPolicy;
use relevo_server::app::App;
use relevo_server::compose::Server;
use relevo_server::config::{Config, InboxConfig, TeamConfig};
use relevo_server::users::{NewAgent, add};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub struct World {
    address: String,
    app: App,
    serving: JoinHandle<()>,
    folder: tempfile::TempDir,
}

pub struct AgentClient {
    base: String,
    cookie: String,
    me: Value,
}

pub struct AgentSocket(Socket);

pub struct VisitorClient {
    base: String,
    token: Value,
    contact: String,
    socket: Option<Socket>,
    frames: Vec<Value>,
}

impl World {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With other settings.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let bot = BotId::new("echo").unwrap();
        let mut config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            data: folder.path().join("data"),
            shortcuts: Some(format!("{root}/shortcuts").into()),
            prompts: Some(format!("{root}/prompts").into()),
            inboxes: vec![InboxConfig {
                name: None,
                bot: Some(bot.clone()),
                window: WindowPolicy::Unlimited,
                ..InboxConfig::new(InboxId::new("shop").unwrap(), "")
            }],
            teams: vec![TeamConfig { id: TeamId::new("ventas").unwrap(), name: "Ventas".into() }],
            ..Config::default()
        };
        change(&mut config);
        let echo = bot_fn(|turn: LiveTurn| async move {
            if let Some(order) = turn.text().strip_prefix("mi pedido es ") {
                turn.capture("order", order).await?;
            }
            turn.say(format!("eco: {}", turn.text())).await
        });
        let server = Server::compose(config, BTreeMap::from([(bot, echo)])).await.unwrap();
        let listener = server.bind().await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        for (email, role, team) in [
            ("lucia@example.com", Role::Agent, None),
            ("rui@example.com", Role::Agent, None),
            ("sofia@example.com", Role::Supervisor, Some("ventas")),
            ("ana@example.com", Role::Admin, None),
        ] {
            let new = NewAgent {
                email: email.into(),
                name: email.split('@').next().unwrap().into(),
                role,
                teams: team.into_iter().map(|team| TeamId::new(team).unwrap()).collect(),
                skills: team.map(|_| "returns".to_owned()).into_iter().collect(),
                languages: Vec::new(),
            };
            // Another server of the same deployment may have done so.
            let _ = add(server.app.desk.store().as_ref(), new, "long enough".into()).await;
        }
        server.app.agents.refresh().await.unwrap();
        let app = server.app.clone();
        let serving = tokio::spawn(async move { server.run(listener).await.unwrap() });
        Self { address, app, serving, folder }
    }

    pub async fn stop(self) {
        self.app.stop.cancel();
        self.serving.await.unwrap();
    }

    /// Stops, and leaves the folder to whoever asked for it.
    pub async fn stop_but_keep(self) {
        self.app.stop.cancel();
        self.serving.await.unwrap();
        let _ = self.folder.keep();
    }

    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base())
    }

    /// A sign-in link's token.
    pub fn link(&self, email: &str) -> String {
        let all = self.app.agents.all();
        self.app.links.issue(all.values().find(|agent| agent.email == email).unwrap().id)
    }

    fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Somebody begins to type.
    pub fn types(&self, id: &str, who: Typist) {
        let conversation = id.parse().unwrap();
        self.app.desk.bus().publish(Signal::Typing { conversation, who, on: true });
    }

    pub async fn anonymous(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        call(method, &format!("{}{path}", self.base()), None, None, body).await
    }

    /// Somebody says so much, message after message.
    pub async fn says_much(&self, id: &str, messages: usize) {
        let agent = self.app.agents.all().values().next().unwrap().facts();
        for n in 0..messages {
            let id = id.parse().unwrap();
            let message = Outbound {
                id: MessageId(self.app.desk.clock().id()),
                text: format!("{n} {}", "漢".repeat(7_990)),
                attachments: Vec::new(),
                buttons: Vec::new(),
                reply_to: None,
                client_id: None,
            };
            self.app.desk.run(id, Command::Reply { agent: agent.clone(), message }).await.unwrap();
        }
    }

    /// A signed-in agent, by a link: signing in with a password is slow on purpose, and limited.
    pub async fn agent(&self, email: &str) -> AgentClient {
        let token = self.link(email);
        let answer = reqwest::Client::new()
            .post(format!("{}/api/session/link", self.base()))
            .json(&json!({"token": token}))
            .send()
            .await
            .unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        AgentClient { base: self.base(), cookie, me: answer.json().await.unwrap() }
    }

    /// The shared insides, for what no client may do.
    pub fn app(&self) -> &App {
        &self.app
    }

    pub async fn visitor(&self) -> VisitorClient {
        let mut visitor = self.stranger();
        visitor.returns(self, 0).await;
        visitor
    }

    /// A visitor who has not come yet.
    pub fn stranger(&self) -> VisitorClient {
        let (token, contact) = (Value::Null, String::new());
        VisitorClient { base: self.base(), token, contact, socket: None, frames: Vec::new() }
    }

    pub async fn close_code(&self, path: &str) -> u16 {
        let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{}{path}", self.address)).await.unwrap();
        loop {
            if let Message::Close(Some(frame)) = socket.next().await.unwrap().unwrap() {
                return frame.code.into();
            }
        }
    }
}

impl AgentClient {
    /// The session's token.
    pub fn session(&self) -> &str {
        self.cookie.split_once('=').unwrap().1
    }

    pub fn id(&self) -> &str {
        self.me["agent"]["id"].as_str().unwrap()
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        call("GET", &format!("{}{path}", self.base), Some(&self.cookie), None, Value::Null).await
    }

    /// The answer as it comes.
    pub async fn raw(&self, path: &str) -> reqwest::Response {
        let request = reqwest::Client::new().get(format!("{}{path}", self.base)).header("cookie", &self.cookie);
        request.send().await.unwrap()
    }

    /// Brings a file.
    pub async fn bring(&self, path: &str, bytes: Vec<u8>) -> Value {
        let request = reqwest::Client::new().post(format!("{}{path}", self.base)).header("cookie", &self.cookie);
        request.body(bytes).send().await.unwrap().json().await.unwrap()
    }

    /// Any call.
    pub async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        call(method, &format!("{}{path}", self.base), Some(&self.cookie), None, body).await
    }

    /// Just the status.
    pub async fn call(&self, method: &str, path: &str) -> u16 {
        call(method, &format!("{}{path}", self.base), Some(&self.cookie), None, Value::Null).await.0
    }

    /// The same session on another server.
    pub fn at(&self, world: &World) -> Self {
        Self { base: world.base(), cookie: self.cookie.clone(), me: self.me.clone() }
    }

    /// The agent's socket, welcomed.
    pub async fn socket(&self, world: &World) -> AgentSocket {
        let ticket = self.post("/api/ticket", json!({})).await.1;
        let url = format!("ws://{}/ws/agent?ticket={}", world.address, ticket["ticket"].as_str().unwrap());
        let mut socket = AgentSocket(tokio_tungstenite::connect_async(url).await.unwrap().0);
        assert!(socket.still_answers().await);
        socket
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        call("POST", &format!("{}{path}", self.base), Some(&self.cookie), None, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        call("PATCH", &format!("{}{path}", self.base), Some(&self.cookie), None, body).await
    }

    pub async fn post_from(&self, origin: &str, path: &str, body: Value) -> (u16, Value) {
        call("POST", &format!("{}{path}", self.base), Some(&self.cookie), Some(origin), body).await
    }
}

impl AgentSocket {
    /// Says hello, and hears the welcome.
    pub async fn still_answers(&mut self) -> bool {
        let hello = json!({"op": "hello", "position": null}).to_string();
        self.0.send(Message::text(hello)).await.unwrap();
        while let Some(Ok(message)) = self.0.next().await {
            if message.to_text().is_ok_and(|text| text.contains("welcome")) {
                return true;
            }
        }
        false
    }

    /// Opens a conversation, and hears who looks at it.
    pub async fn open(&mut self, id: &str) {
        let open = json!({"op": "open", "conversation": id, "after": 0}).to_string();
        self.0.send(Message::text(open)).await.unwrap();
        while self.next().await["op"] != "viewing" {}
    }

    /// The next frame.
    pub async fn next(&mut self) -> Value {
        serde_json::from_str(self.0.next().await.unwrap().unwrap().to_text().unwrap()).unwrap()
    }

    pub async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(Some(frame)) = self.0.next().await.unwrap().unwrap() {
                return frame.code.into();
            }
        }
    }
}

impl AgentSocket {
    pub async fn send(&mut self, frame: Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// All frames up to the first that is wanted.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut heard = Vec::new();
        loop {
            if let Message::Text(text) = self.0.next().await.unwrap().unwrap() {
                heard.push(serde_json::from_str(&text).unwrap());
                if heard.last().is_some_and(&wanted) {
                    return heard;
                }
            }
        }
    }
}

impl VisitorClient {
    pub async fn leave(&mut self) {
        self.socket.take().unwrap().close(None).await.unwrap();
    }

    /// Connects, anew or again, and asks for everything after `after`.
    pub async fn returns(&mut self, world: &World, after: u64) {
        let ticket = self.ticket().await;
        self.connects(world, &ticket, after).await;
    }

    /// Comes with another hello than the usual one, through a proxy that adds headers.
    pub async fn comes_with(&mut self, world: &World, hello: Value, headers: &[(&str, &str)]) {
        let ticket = self.ticket_for(hello, headers).await;
        self.connects(world, &ticket, 0).await;
    }

    async fn connects(&mut self, world: &World, ticket: &str, after: u64) {
        let url = format!("ws://{}/ws/visitor?ticket={ticket}", world.address);
        self.socket = Some(tokio_tungstenite::connect_async(url).await.unwrap().0);
        self.send(json!({"op": "hello", "after": after})).await;
        self.until(|frame| frame["op"] == "welcome").await;
    }

    /// "Talk to a person"; the ack or the refusal.
    pub async fn asks_for_a_person(&mut self, client_id: &str) -> Value {
        self.send(json!({"op": "human", "client_id": client_id})).await;
        self.until(|frame| frame["op"] == "ack" || frame["op"] == "refused").await
    }

    pub fn contact(&self) -> &str {
        &self.contact
    }

    pub fn token(&self) -> &str {
        self.token.as_str().unwrap()
    }

    /// Says something with files.
    pub async fn say_with(&mut self, client_id: &str, text: &str, attachments: Value) -> Value {
        self.send(json!({"op": "say", "client_id": client_id, "text": text, "attachments": attachments})).await;
        self.until(|frame| frame["op"] == "ack" || frame["op"] == "refused").await
    }

    /// The item with this text.
    pub fn item(&self, text: &str) -> &Value {
        let mut items = self.frames.iter().filter_map(|frame| frame["items"].as_array()).flatten();
        items.find(|item| item["message"]["text"] == text).unwrap()
    }

    /// Says something; the ack or the refusal.
    pub async fn say(&mut self, client_id: &str, text: &str) -> Value {
        self.send(json!({"op": "say", "client_id": client_id, "text": text, "payload": null})).await;
        self.until(|frame| frame["op"] == "ack" || frame["op"] == "refused").await
    }

    pub async fn ticket(&mut self) -> String {
        let hello = json!({"inbox": "shop", "token": self.token, "language": "es"});
        self.ticket_for(hello, &[]).await
    }

    /// A ticket for what a page says, through a proxy that adds headers.
    async fn ticket_for(&mut self, hello: Value, headers: &[(&str, &str)]) -> String {
        let mut request = reqwest::Client::new().post(format!("{}/widget/session", self.base)).json(&hello);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let session: Value = request.send().await.unwrap().json().await.unwrap();
        self.token = session["token"].clone();
        session["contact"]["id"].as_str().unwrap().clone_into(&mut self.contact);
        session["ticket"].as_str().unwrap().to_owned()
    }

    /// Waits until a message with this text is on the screen.
    pub async fn hears(&mut self, text: &str) {
        if !self.messages().iter().any(|said| said == text) {
            self.until(|frame| frame["items"].to_string().contains(text)).await;
        }
    }

    /// The texts of people on the screen, in order: the bot's echo is left out.
    pub fn messages(&self) -> Vec<String> {
        let items = self.frames.iter().filter_map(|frame| frame["items"].as_array()).flatten();
        let said = items.filter_map(|item| item["message"]["text"].as_str());
        said.filter(|text| !text.starts_with("eco: ")).map(str::to_owned).collect()
    }

    pub fn last_seq(&self) -> u64 {
        let items = self.frames.iter().filter_map(|frame| frame["items"].as_array()).flatten();
        items.filter_map(|item| item["seq"].as_u64()).max().unwrap_or(0)
    }

    /// Begins to type.
    pub async fn types(&mut self) {
        self.send(json!({"op": "typing", "on": true})).await;
    }

    /// Waits until a person has the conversation.
    pub async fn meets_a_person(&mut self) {
        self.until(|frame| frame["items"].to_string().contains("human")).await;
    }

    /// Waits until somebody is shown typing.
    pub async fn sees_typing(&mut self) -> String {
        let frame = self.until(|frame| frame["op"] == "typing" && frame["on"] == true).await;
        frame["who"].as_str().unwrap().to_owned()
    }

    pub fn everything(&self) -> String {
        Value::from(self.frames.clone()).to_string()
    }

    pub async fn conversation(&self) -> String {
        let hello = json!({"inbox": "shop", "token": self.token});
        let session = call("POST", &format!("{}/widget/session", self.base), None, None, hello).await.1;
        session["conversation"].as_str().unwrap().to_owned()
    }

    pub async fn send(&mut self, frame: Value) {
        self.socket.as_mut().unwrap().send(Message::text(frame.to_string())).await.unwrap();
    }

    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Message::Text(text) = self.socket.as_mut().unwrap().next().await.unwrap().unwrap() {
                let frame: Value = serde_json::from_str(&text).unwrap();
                self.frames.push(frame.clone());
                if wanted(&frame) {
                    return frame;
                }
            }
        }
    }
}

async fn call(method: &str, url: &str, cookie: Option<&str>, origin: Option<&str>, body: Value) -> (u16, Value) {
    let mut request = reqwest::Client::new().request(method.parse().unwrap(), url);
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    if !body.is_null() {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or(Value::Null))
}
