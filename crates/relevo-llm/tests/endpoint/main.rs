//! The client against an endpoint that behaves well, badly, and not at all.

mod stand_in;

use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use relevo_llm::breaker::Limits;
use relevo_llm::openai::{Endpoint, Key, OpenAi, Retry};
use relevo_llm::{ChatModel, Completed, Embedder, Error, Finish, Piece, Request};
use stand_in::{Answer, StandIn};
use tokio_util::sync::CancellationToken;

const KEY: &str = "sk-canary-key-8f31";

fn endpoint(server: &StandIn) -> Endpoint {
    static TLS: Once = Once::new();
    TLS.call_once(|| {});
    let mut endpoint = Endpoint::new(server.base_url(), Key::new(KEY), "house-model");
    endpoint.retry = Retry { tries: 3, pause: Duration::from_millis(5), longest: Duration::from_secs(2) };
    endpoint.first_text_within = Duration::from_secs(5);
    endpoint
}

fn request() -> Request {
    Request::new("summary", "Be brief.").user("¿Dónde está mi pedido?").max_tokens(50)
}

fn delta(text: &str) -> String {
    format!(
        "data: {}\n\n",
        serde_json::json!({"model": "house-1", "choices": [{"index": 0, "delta": {"content": text}}]})
    )
}

const STOP: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

fn good(text: &str) -> Answer {
    Answer::Stream(vec![delta(text).into(), STOP.into(), "data: [DONE]\n\n".into()])
}

async fn ask(endpoint: Endpoint) -> Result<Completed, Error> {
    let model = OpenAi::new(endpoint).unwrap();
    let answer = model.stream(&request(), &CancellationToken::new()).await?;
    answer.collect(|_| {}).await.map_err(|broken| broken.error)
}

// behaviour 14
#[tokio::test]
async fn a_stream_is_read_byte_for_byte_whatever_its_packets() {
    let text = "Señora Núñez: «mañana» 🚚";
    let event = delta(text).replace("\n\n", "\r\n\r\n").into_bytes();
    // Cut inside ñ, and everywhere else: one byte a packet.
    let mut pieces: Vec<Vec<u8>> = event.into_iter().map(|byte| vec![byte]).collect();
    pieces.insert(0, b": keep-alive\r\n\r\n".to_vec());
    pieces
        .push(b": comment\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n".to_vec());
    pieces.push(delta(" y ya \n").into_bytes());
    pieces.push(STOP.into());
    pieces.push(b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":21,\"completion_tokens\":9}}\n\n".to_vec());
    // No [DONE]: the connection just ends.
    let server = StandIn::start(vec![Answer::Stream(pieces)]).await;
    let model = OpenAi::new(endpoint(&server)).unwrap();
    let mut seen = Vec::new();
    let answer = model.stream(&request(), &CancellationToken::new()).await.unwrap();
    let done = answer.collect(|piece| seen.push(piece.to_owned())).await.unwrap();
    assert_eq!(done.text, format!("{text} y ya \n"));
    assert_eq!(seen, [text, " y ya \n"], "empty deltas are not passed on, order is kept");
    assert_eq!((done.usage.prompt, done.usage.completion, done.usage.estimated), (21, 9, false));
    assert_eq!((done.model.as_str(), done.finish), ("house-1", Finish::Stop));
}

// behaviour 14
#[tokio::test]
async fn a_stream_that_ends_without_a_reason_and_without_a_count_is_whole_and_counted_here() {
    let pieces = vec![delta("uno ").into_bytes(), delta("dos").into_bytes()];
    let server = StandIn::start(vec![Answer::Stream(pieces)]).await;
    let model = OpenAi::new(endpoint(&server)).unwrap();
    let answer = model.stream(&request(), &CancellationToken::new()).await.unwrap();
    let done = answer.collect(|_| {}).await.unwrap();
    assert_eq!((done.text.as_str(), done.finish), ("uno dos", Finish::Unstated));
    assert!(done.usage.estimated && done.usage.prompt > 0 && done.usage.completion > 0, "{:?}", done.usage);
}

// covers: A08
#[tokio::test]
async fn the_settings_model_for_a_task_goes_before_the_one_that_its_prompt_asks_for() {
    let server = StandIn::start(vec![good("ok"), good("ok"), good("ok")]).await;
    let mut endpoint = endpoint(&server);
    let hinted = Request { model: Some("hinted-model".into()), ..request() };
    for request in [request(), hinted.clone()] {
        let answer = OpenAi::new(endpoint.clone()).unwrap().stream(&request, &CancellationToken::new()).await.unwrap();
        answer.collect(|_| {}).await.unwrap();
    }
    endpoint.task_models.insert(hinted.task.clone(), "small-model".into());
    let answer = OpenAi::new(endpoint).unwrap().stream(&hinted, &CancellationToken::new()).await.unwrap();
    answer.collect(|_| {}).await.unwrap();
    let asked = server.asked();
    let models: Vec<_> = asked.iter().map(|asked| asked.body["model"].as_str().unwrap_or_default()).collect();
    assert_eq!(models[1..], ["hinted-model", "small-model"]);
    assert!(!models[2..].contains(&models[0]) && models[0] != "hinted-model", "{models:?}");
}

// covers: A08
#[tokio::test]
async fn a_request_carries_system_prompt_first_and_the_tasks_own_model() {
    let server = StandIn::start(vec![good("ok")]).await;
    let mut endpoint = endpoint(&server);
    endpoint.task_models.insert("summary".into(), "small-model".into());
    endpoint.headers.insert("x-team".into(), Key::new("support"));
    ask(endpoint).await.unwrap();
    let asked = &server.asked()[0];
    let head = asked.head.to_lowercase();
    assert!(head.starts_with("post /v1/chat/completions"), "{head}");
    assert!(head.contains(&format!("authorization: bearer {KEY}")) && head.contains("x-team: support"), "{head}");
    assert_eq!(asked.body["model"], "small-model");
    assert_eq!(asked.body["stream"], true);
    assert_eq!(asked.body["max_completion_tokens"], 50);
    assert_eq!(asked.body["messages"][0]["role"], "system");
    assert_eq!(asked.body["messages"][1]["content"], "¿Dónde está mi pedido?");
}

// behaviour 15
#[tokio::test]
async fn a_cancelled_stream_closes_its_connection_within_a_second() {
    let pieces = ["one ", "two ", "three "].map(|text| delta(text).into_bytes()).to_vec();
    let mut server = StandIn::start(vec![Answer::Hanging(pieces)]).await;
    let model = OpenAi::new(endpoint(&server)).unwrap();
    let cancel = CancellationToken::new();
    let answer = model.stream(&request(), &cancel).await.unwrap();
    let mut heard = 0;
    let broken = answer
        .collect(|_| {
            heard += 1;
            if heard == 3 {
                cancel.cancel();
            }
        })
        .await
        .unwrap_err();
    assert_eq!(broken.error, Error::Cancelled);
    assert!(broken.usage.prompt > 0 && broken.usage.completion > 0 && broken.usage.estimated, "{:?}", broken.usage);
    assert!(server.peer_hung_up(Duration::from_secs(1)).await);
}

// behaviour 15
#[tokio::test]
async fn a_call_is_cancelled_while_it_still_waits_for_its_first_text() {
    let mut server = StandIn::start(vec![Answer::Silence]).await;
    let model = OpenAi::new(endpoint(&server)).unwrap();
    let cancel = CancellationToken::new();
    let asking = request();
    let call = model.stream(&asking, &cancel);
    let stop = async {
        while server.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (result, ()) = tokio::join!(call, stop);
    assert_eq!(result.unwrap_err(), Error::Cancelled);
    assert!(server.peer_hung_up(Duration::from_secs(1)).await);
}

// behaviour 17
#[tokio::test]
async fn passing_failures_are_tried_again_and_retry_after_is_kept() {
    let limited = Answer::Status(429, "retry-after-ms: 150\r\n", br#"{"error":{"message":"slow down"}}"#.to_vec());
    let server = StandIn::start(vec![limited, Answer::Status(503, "", Vec::new()), good("here")]).await;
    assert_eq!(ask(endpoint(&server)).await.unwrap().text, "here");
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[1].at - asked[0].at >= Duration::from_millis(150));
}

// behaviour 17
#[tokio::test]
async fn a_reset_is_tried_again_at_most_as_often_as_set() {
    let server = StandIn::start(vec![Answer::Reset]).await;
    let error = ask(endpoint(&server)).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(server.asked().len(), 3);
}

// behaviour 17
#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_given_up() {
    let server = StandIn::start(vec![Answer::Silence]).await;
    let mut endpoint = endpoint(&server);
    endpoint.first_text_within = Duration::from_millis(700);
    endpoint.retry.tries = 2;
    assert!(ask(endpoint).await.unwrap_err().is_transient());
    assert_eq!(server.asked().len(), 2);
}

// behaviour 17
#[tokio::test]
async fn refusals_are_not_tried_again() {
    for status in [400, 401, 403, 404] {
        let server = StandIn::start(vec![Answer::Status(status, "", br#"{"error":{"message":"no"}}"#.to_vec())]).await;
        let error = ask(endpoint(&server)).await.unwrap_err();
        assert!(matches!(error, Error::Permanent { .. }), "{status}: {error}");
        assert_eq!(server.asked().len(), 1, "{status}");
    }
}

// behaviour 17
#[tokio::test]
async fn nothing_is_tried_again_after_the_first_text() {
    let garbage = Answer::Stream(vec![delta("half ").into(), b"data: {\"choices\":[{\"del\n\n".to_vec()]);
    let server = StandIn::start(vec![garbage]).await;
    let model = OpenAi::new(endpoint(&server)).unwrap();
    let answer = model.stream(&request(), &CancellationToken::new()).await.unwrap();
    let broken = answer.collect(|_| {}).await.unwrap_err();
    assert_eq!(broken.text, "half ");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_full_context_is_told_apart_from_other_refusals() {
    let body = br#"{"error":{"message":"maximum context length is 8192","code":"context_length_exceeded"}}"#;
    let server = StandIn::start(vec![Answer::Status(400, "", body.to_vec())]).await;
    assert!(matches!(ask(endpoint(&server)).await, Err(Error::TooLong { .. })));
}

// behaviour 18
#[tokio::test]
async fn a_failing_endpoint_is_left_alone_for_a_while() {
    let server = StandIn::start(vec![Answer::Status(500, "", Vec::new())]).await;
    let mut endpoint = endpoint(&server);
    endpoint.breaker = Limits { failures: 3, rest: Duration::from_mins(1) };
    let model = OpenAi::new(endpoint).unwrap();
    let cancel = CancellationToken::new();
    assert!(model.stream(&request(), &cancel).await.is_err());
    assert!(model.is_resting());
    assert!(model.stream(&request(), &cancel).await.unwrap_err().is_transient());
    assert_eq!(server.asked().len(), 3, "the second call was not sent");
}

// behaviour 19
#[tokio::test]
async fn malformed_answers_are_typed_errors() {
    let json = "content-type: application/json\r\n";
    let html = "content-type: text/html\r\n";
    let cut = br#"data: {"choices":[{"delta":{"cont"#.to_vec();
    let filtered = b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n".to_vec();
    for answer in [
        Answer::Status(200, json, b"{}".to_vec()),
        Answer::Status(200, html, b"<html>Sign in</html>".to_vec()),
        Answer::Stream(vec![[cut, b"\n\n".to_vec()].concat()]),
        Answer::Stream(vec![filtered]),
        Answer::Stream(vec![b"data: {\"error\":{\"message\":\"overloaded\"}}\n\n".to_vec()]),
    ] {
        let server = StandIn::start(vec![answer]).await;
        let error = ask(endpoint(&server)).await.unwrap_err();
        assert!(matches!(error, Error::Permanent { .. }), "{error}");
    }
}

// behaviour 19
#[tokio::test]
async fn an_answer_cut_by_its_token_limit_says_so() {
    let stop = STOP.replace("stop", "length");
    let server = StandIn::start(vec![Answer::Stream(vec![delta("half").into(), stop.into()])]).await;
    assert_eq!(ask(endpoint(&server)).await.unwrap().finish, Finish::Length);
}

// behaviour 19
#[tokio::test]
async fn a_huge_answer_is_refused_while_it_arrives() {
    let flood = std::iter::repeat_n(vec![b'x'; 64 << 10], 320).collect::<Vec<_>>();
    let server = StandIn::start(vec![Answer::Stream([vec![b"data: ".to_vec()], flood].concat())]).await;
    let mut endpoint = endpoint(&server);
    endpoint.max_bytes = 256 << 10;
    endpoint.retry.tries = 1;
    assert!(matches!(ask(endpoint).await, Err(Error::Permanent { .. })));
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// behaviour 19
#[tokio::test]
async fn the_key_is_in_no_log_no_debug_and_no_error() {
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::info!("listening");
    let body = format!(r#"{{"error":{{"message":"Incorrect API key provided: {KEY}"}}}}"#);
    let server = StandIn::start(vec![Answer::Status(401, "", body.into_bytes())]).await;
    let endpoint = endpoint(&server);
    let model = OpenAi::new(endpoint.clone()).unwrap();
    let error = model.stream(&request(), &CancellationToken::new()).await.unwrap_err();
    let shown = format!("{error} {error:?} {endpoint:?} {model:?}");
    assert!(shown.contains("HTTP 401") && !shown.contains(KEY), "{shown}");
    let log = String::from_utf8_lossy(&logged.0.lock().unwrap()).into_owned();
    assert!(log.contains("listening") && !log.contains(KEY) && !log.contains("mi pedido"), "{log}");
}

#[tokio::test]
async fn pieces_can_be_read_one_by_one() {
    let server = StandIn::start(vec![good("hola")]).await;
    let model = OpenAi::new(endpoint(&server)).unwrap();
    let mut answer = model.stream(&request(), &CancellationToken::new()).await.unwrap();
    assert_eq!(answer.next().await, Some(Ok(Piece::Text("hola".into()))));
    assert!(matches!(answer.next().await, Some(Ok(Piece::End { finish: Finish::Stop, .. }))));
    assert_eq!(answer.next().await, None);
}

#[tokio::test]
async fn vectors_come_back_in_the_order_of_their_texts() {
    let body = br#"{"data":[{"index":1,"embedding":[0.0,1.0]},{"index":0,"embedding":[1.0,0.0]}]}"#;
    let server = StandIn::start(vec![Answer::Status(200, "content-type: application/json\r\n", body.to_vec())]).await;
    let model = OpenAi::new(endpoint(&server)).unwrap();
    let vectors = model.embed(&["a".into(), "b".into()], &CancellationToken::new()).await.unwrap();
    assert_eq!(vectors, [vec![1.0, 0.0], vec![0.0, 1.0]]);
    assert!(model.embed(&["a".into()], &CancellationToken::new()).await.is_err(), "two vectors for one text");
}
