//! Ends connections whose peer does not say in time what it wants: an HTTP/2 preface, or a whole first HTTP/1 head.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

/// How an HTTP/2 connection begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How the head of an HTTP/1 request ends.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A stream that fails if its peer has not said within a time what it wants.
pub struct Opening {
    stream: TcpStream,
    waiting: Option<Waiting>,
}

struct Waiting {
    until: Pin<Box<Sleep>>,
    /// Bytes of the preface seen; none any more once a byte differed.
    preface: Option<usize>,
    /// Bytes of the head's end that the last bytes were.
    head_end: usize,
}

impl Opening {
    /// Waits for at most `limit` from now.
    pub fn new(stream: TcpStream, limit: Duration) -> Self {
        let until = Box::pin(tokio::time::sleep(limit));
        Self {
            stream,
            waiting: Some(Waiting {
                until,
                preface: Some(0),
                head_end: 0,
            }),
        }
    }
}

impl Waiting {
    /// Whether the peer has said what it wants.
    fn is_over(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            self.preface = self
                .preface
                .filter(|seen| PREFACE.get(*seen) == Some(byte))
                .map(|seen| seen + 1);
            self.head_end = match HEAD_END.get(self.head_end) {
                Some(next) if next == byte => self.head_end + 1,
                _ => usize::from(*byte == b'\r'),
            };
            let is_head = self.preface.is_none() && self.head_end == HEAD_END.len();
            if is_head || self.preface == Some(PREFACE.len()) {
                return true;
            }
        }
        false
    }
}

impl AsyncRead for Opening {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(waiting) = &mut this.waiting
            && waiting.until.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        let new = buf.filled().get(before..).unwrap_or_default();
        if this.waiting.as_mut().is_some_and(|waiting| waiting.is_over(new)) {
            this.waiting = None;
        }
        read
    }
}

impl AsyncWrite for Opening {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
