//! Bounds the bytes of all request bodies that are held at the same time, whoever sends them.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use leads_proto::reason::Reason;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Status, body::Body};

use crate::service::error::Error;

/// Time after which a refused caller should find room.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

/// Bytes that one call has taken; dropping it gives them back.
pub type Share = Arc<Mutex<Option<OwnedSemaphorePermit>>>;

/// A body that takes a byte of the budget for each of its own, and ends with OVERLOADED when none is left.
struct Metered {
    body: Body,
    budget: Arc<Semaphore>,
    share: Share,
}

/// Meters a body. The bytes are taken until the share is dropped, not the body: what was read is still held.
pub fn metered(body: Body, budget: &Arc<Semaphore>) -> (Body, Share) {
    let share = Share::default();
    (
        Body::new(Metered {
            body,
            budget: budget.clone(),
            share: share.clone(),
        }),
        share,
    )
}

/// The refusal of a call for which there is no room.
pub fn overloaded() -> Status {
    Error::new(
        Reason::Overloaded,
        "the service has as many calls at work as it can hold",
    )
    .retry_after(PAUSE)
    .into()
}

impl Metered {
    fn take(&self, bytes: usize) -> Option<()> {
        let more = self
            .budget
            .clone()
            .try_acquire_many_owned(u32::try_from(bytes).ok()?)
            .ok()?;
        let mut share = self.share.lock().unwrap_or_else(PoisonError::into_inner);
        match share.as_mut() {
            Some(share) => share.merge(more),
            None => *share = Some(more),
        }
        Some(())
    }
}

impl http_body::Body for Metered {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.get_mut();
        let frame = std::task::ready!(Pin::new(&mut this.body).poll_frame(cx));
        let bytes = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => 0,
        };
        if this.take(bytes).is_none() {
            return Poll::Ready(Some(Err(overloaded())));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
