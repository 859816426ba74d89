//! An answer that its peer has not read yet: it keeps the places of its call, and its bytes of the budget, until it is
//! read or its time is over. A peer that stops reading would otherwise have us hold as many answers as it asks for.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use http_body::{Body as _, Frame, SizeHint};
use tokio::{
    sync::OwnedSemaphorePermit,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tonic::{Status, body::Body};

use super::{deadline, seats::Seat};

/// Bytes that are handed to the connection at once: it keeps what it has been handed, whether the peer reads or not.
const PIECE: usize = 16 * 1024;

/// What an answer holds. It is in the extensions of the response until a door sends it; clones share it.
#[derive(Clone)]
pub struct Held(Arc<Places>);

/// The places that a call and its answer take.
#[expect(dead_code, reason = "they are held, and given back when they are dropped")]
pub struct Places {
    /// Among all calls.
    pub call: OwnedSemaphorePermit,
    /// Among those of its key.
    pub key: Option<Seat<String>>,
    /// Bytes of the answer.
    pub bytes: Option<OwnedSemaphorePermit>,
    /// When the answer is dropped that nobody reads; never, if it is a stream.
    pub until: Option<Instant>,
}

impl Held {
    /// Holds these until the answer is read.
    pub fn new(places: Places) -> Self {
        Self(Arc::new(places))
    }
}

/// Makes the body of a response own what the response holds.
pub fn kept(mut response: Response<Body>) -> Response<Body> {
    match response.extensions_mut().remove::<Held>() {
        Some(held) => response.map(|body| Body::new(Unread::new(body, held))),
        None => response,
    }
}

struct Unread {
    answer: Arc<Mutex<Answer>>,
    /// The connection asks for no more of the body while the peer does not read, so that its time ends here.
    _timer: JoinSet<()>,
}

enum Answer {
    Left { rest: Bytes, body: Body, _held: Held },
    Expired,
    Read,
}

impl Unread {
    fn new(body: Body, held: Held) -> Self {
        let until = held.0.until;
        let answer = Arc::new(Mutex::new(Answer::Left {
            rest: Bytes::new(),
            body,
            _held: held,
        }));
        let mut timer = JoinSet::new();
        if let Some(until) = until {
            let answer = answer.clone();
            timer.spawn(async move {
                sleep_until(until).await;
                *answer.lock().unwrap_or_else(PoisonError::into_inner) = Answer::Expired;
            });
        }
        Self {
            answer,
            _timer: timer,
        }
    }
}

impl Answer {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let (rest, body) = match self {
            Answer::Left { rest, body, .. } => (rest, body),
            Answer::Expired => {
                *self = Answer::Read;
                return Poll::Ready(Some(Err(deadline::exceeded())));
            }
            Answer::Read => return Poll::Ready(None),
        };
        if rest.is_empty() {
            match ready!(Pin::new(body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => *rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                last => {
                    *self = Answer::Read;
                    return Poll::Ready(last);
                }
            }
        }
        let piece = rest.split_to(rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

impl http_body::Body for Unread {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .poll(cx)
    }

    fn is_end_stream(&self) -> bool {
        match &*self.answer.lock().unwrap_or_else(PoisonError::into_inner) {
            Answer::Left { rest, body, .. } => rest.is_empty() && body.is_end_stream(),
            Answer::Expired => false,
            Answer::Read => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let Answer::Left { rest, body, .. } = &*answer else {
            return SizeHint::default();
        };
        let (left, body) = (rest.len() as u64, body.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(left + body.lower());
        if let Some(upper) = body.upper() {
            hint.set_upper(left + upper);
        }
        hint
    }
}
