//! Clients that send exactly what a test says: raw HTTP/2 requests for gRPC, raw text for HTTP/1.1.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use h2::{SendStream, client::ResponseFuture, client::SendRequest};
use http::{HeaderMap, Method, Request};
use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::door::Served;

pub const COLLECT: &str = "/leads.v1.LeadsService/CollectLead";
pub const GET: &str = "/leads.v1.LeadsService/GetLead";

/// What came back from a gRPC call.
#[derive(Debug)]
pub struct Answer {
    pub http_status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub status: Option<Status>,
}

impl Answer {
    /// Code and reason, such as `(InvalidArgument, "BAD_DEADLINE")`; the reason is empty when there is none.
    pub fn refusal(&self) -> (Code, String) {
        let Some(status) = &self.status else {
            panic!("no grpc-status in {self:?}")
        };
        let reason = status
            .get_details_error_info()
            .map(|info| info.reason)
            .unwrap_or_default();
        (status.code(), reason)
    }

    pub fn message<M: Message + Default>(&self) -> M {
        assert_eq!(self.refusal().0, Code::Ok, "{self:?}");
        M::decode(self.body.slice(5..)).unwrap()
    }
}

impl Served {
    /// A gRPC request with the usual headers and a key; tests change it.
    pub fn call(&self, path: &str) -> Request<()> {
        Request::builder()
            .method(Method::POST)
            .uri(format!("http://leads.example{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("authorization", format!("Bearer {}", self.keys.all))
            .body(())
            .unwrap()
    }

    /// A REST request with the key, JSON as content type if there is a body, and these headers.
    pub async fn rest(&self, line: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Plain {
        let body = body.as_ref();
        let mut head = format!("{line} HTTP/1.1\r\nhost: leads.example\r\nconnection: close\r\n");
        let has = |name: &str| headers.iter().any(|(sent, _)| *sent == name);
        if !has("authorization") {
            head.push_str(&format!("authorization: Bearer {}\r\n", self.keys.all));
        }
        if !body.is_empty() {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
            if !has("content-type") {
                head.push_str("content-type: application/json\r\n");
            }
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        raw(self.address, &[head.as_bytes(), body].concat())
            .await
            .expect("an answer")
    }
}

/// One HTTP/2 connection.
pub async fn connect(address: SocketAddr) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Sends the head, leaves the body open.
pub async fn open(client: &SendRequest<Bytes>, request: Request<()>) -> (ResponseFuture, SendStream<Bytes>) {
    let mut client = client.clone().ready().await.unwrap();
    client.send_request(request, false).unwrap()
}

pub async fn read(response: ResponseFuture) -> Result<Answer, h2::Error> {
    let (parts, mut body) = response.await?.into_parts();
    let mut bytes = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        bytes.extend_from_slice(&data);
    }
    let trailers = body.trailers().await?;
    let status = Status::from_header_map(&parts.headers).or_else(|| Status::from_header_map(&trailers?));
    Ok(Answer {
        http_status: parts.status.as_u16(),
        headers: parts.headers,
        body: bytes.freeze(),
        status,
    })
}

/// One call on a connection of its own, with these bytes as body.
pub async fn send(address: SocketAddr, request: Request<()>, body: impl Into<Bytes>) -> Answer {
    let client = connect(address).await;
    let (response, mut stream) = open(&client, request).await;
    // The server may answer, and refuse the rest, before it has read everything.
    let _ = stream.send_data(body.into(), true);
    read(response).await.unwrap()
}

/// A frame as gRPC wants it.
pub fn frame(message: &impl Message) -> Bytes {
    prefixed(0, &message.encode_to_vec())
}

pub fn prefixed(flag: u8, message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(flag);
    frame.put_u32(message.len() as u32);
    frame.put_slice(message);
    frame.freeze()
}

/// What came back over HTTP/1.1.
#[derive(Debug)]
pub struct Plain {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Plain {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON in {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Status and reason of a problem, whose own status must be the same.
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        assert!(
            problem["trace_id"].as_str().is_some_and(|id| id.len() == 32),
            "{problem}"
        );
        (self.status, problem["reason"].as_str().unwrap().to_owned())
    }

    /// `field: message` of every field at fault.
    pub fn fields(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["field_errors"].as_array().cloned().unwrap_or_default();
        let text = |error: &serde_json::Value, key: &str| error[key].as_str().unwrap().to_owned();
        errors
            .iter()
            .map(|error| format!("{}: {}", text(error, "field"), text(error, "message")))
            .collect()
    }
}

/// Sends bytes and reads until the peer closes; none if it closed without an answer.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> Option<Plain> {
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    let bytes = bytes.to_vec();
    // The peer may answer and close before it has read everything.
    let writer = tokio::spawn(async move {
        let _ = to.write_all(&bytes).await;
        to
    });
    let mut answer = Vec::new();
    let _ = from.read_to_end(&mut answer).await;
    drop(writer);
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Plain {
        status,
        head,
        body: answer[end + 4..].to_vec(),
    })
}
