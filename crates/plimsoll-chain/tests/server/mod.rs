//! An endpoint that fails as endpoints fail: a server on loopback that answers what a test says.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)] // each test binary uses its own part of it

use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a node answers to a request: a result, or a number and words.
pub type Answer = Result<Json, (i64, &'static str)>;

/// An answer.
pub enum Says {
    /// A good one.
    Body(String),
    /// An HTTP status, with a header.
    Status(u16, &'static str, String),
    /// Nothing: the connection is closed.
    Closes,
    /// Nothing, for so many milliseconds.
    Hangs(u64),
}

pub struct Server {
    pub url: String,
    /// Every body that came.
    pub heard: Arc<Mutex<Vec<Json>>>,
}

impl Server {
    /// A server that answers each body in turn by this.
    pub fn new(mut answer: impl FnMut(&Json) -> Says + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v2/secret-key", listener.local_addr().expect("an address"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let kept = heard.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, &mut answer, &kept);
            }
        });
        Server { url, heard }
    }

    /// A server that answers every request of a batch by its method and parameters.
    pub fn of(answer: impl Fn(&str, &Json) -> Answer + Send + 'static) -> Server {
        Server::new(move |body| Says::Body(each(body, &answer).to_string()))
    }

    pub fn count(&self) -> usize {
        self.heard.lock().expect("what was heard").len()
    }
}

/// The answers of a body, each by its method and parameters.
pub fn each(body: &Json, answer: &dyn Fn(&str, &Json) -> Answer) -> Json {
    let one = |request: &Json| match answer(request["method"].as_str().unwrap(), &request["params"]) {
        Ok(result) => json!({"jsonrpc": "2.0", "id": request["id"], "result": result}),
        Err((code, message)) => {
            json!({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message}})
        }
    };
    match body {
        // In another order than they were asked in, as the protocol lets.
        Json::Array(requests) => requests.iter().rev().map(one).collect(),
        request => one(request),
    }
}

/// One connection with one request.
fn serve(stream: TcpStream, answer: &mut dyn FnMut(&Json) -> Says, heard: &Mutex<Vec<Json>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    let mut stream = stream;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let body: Json = serde_json::from_slice(&body).expect("JSON");
    heard.lock().expect("what was heard").push(body.clone());
    let (status, header, text) = match answer(&body) {
        Says::Body(text) => (200, "", text),
        Says::Status(status, header, text) => (status, header, text),
        Says::Closes => return,
        Says::Hangs(milliseconds) => {
            std::thread::sleep(std::time::Duration::from_millis(milliseconds));
            return;
        }
    };
    let head = format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\n{header}");
    let head = format!("{head}content-length: {}\r\nconnection: close\r\n\r\n", text.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(text.as_bytes()));
}
