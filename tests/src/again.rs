//! Requests that may be made twice.

use reqwest::{RequestBuilder, Response};
use std::error::Error;
use std::io::{self, ErrorKind};

/// How often a request is made again.
const TIMES: usize = 3;

/// Sends, and sends again where the connection was closed before an answer, as browsers do: a server may close a
/// connection that it finds idle at the moment at which a request is written to it. Only for what may be asked twice.
pub async fn send(request: RequestBuilder) -> reqwest::Result<Response> {
    for _ in 0..TIMES {
        let Some(again) = request.try_clone() else { break };
        match again.send().await {
            Err(error) if was_closed(&error) => {}
            answered => return answered,
        }
    }
    request.send().await
}

/// Whether the connection was closed before anything of an answer came.
fn was_closed(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(|error| {
        error.downcast_ref::<hyper::Error>().is_some_and(|error| error.is_incomplete_message() || error.is_canceled())
            || error
                .downcast_ref::<io::Error>()
                .is_some_and(|error| matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that closes so many connections under a request before it answers one, and has read so much of it.
    async fn asked_of_one_that_closes(times: usize, read: usize) -> reqwest::Result<Response> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for n in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                assert!(stream.read(&mut vec![0; read]).await.unwrap() > 0);
                if n >= times {
                    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                }
            }
        });
        send(reqwest::Client::builder().no_proxy().build().unwrap().get(url)).await
    }

    #[tokio::test]
    async fn a_connection_that_is_closed_under_a_request_is_no_answer_and_asked_again_a_few_times() {
        // What was read of the request decides whether the connection ends or is reset.
        for read in [1, 4_096] {
            assert_eq!(asked_of_one_that_closes(2, read).await.unwrap().status(), 204);
            assert!(asked_of_one_that_closes(TIMES + 1, read).await.is_err());
        }
    }
}
